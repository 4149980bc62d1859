import { describe, expect, it } from 'vitest';
import { Scene } from '../scene.test.fixture.js';

const doing = (
  generation: number,
  what: 'compute' | 'all-reduce',
  waitsFor: number | null,
  seconds = 3,
) => ({ generation, step: 10, attempt: 1, doing: what, waitsFor, seconds });

describe('who is at fault', () => {
  it('is the one that is waited for and waits for nobody', () => {
    const scene = new Scene().running('1', '2', '3').failed('1', { blames: [2] });
    expect(scene.incidents).toEqual([]);
    scene.prepared('1', 10, 'a', doing(1, 'all-reduce', 2));
    scene.prepared('2', 10, 'a', doing(1, 'compute', null, 12));
    scene.prepared('3', 10, 'a', doing(1, 'all-reduce', 1));
    expect(scene.incidents).toHaveLength(1);
    expect(scene.incidents[0]).toMatch(
      /Trainer 2 .* on worker w2, rank 1 of 3 in generation 1, held the ring up: it was at compute for 12\.0 s \(attempt 1\), waited for by rank 2, at step 10\. Rank 0 reported: it broke/,
    );
    expect(scene.sent('start')).toHaveLength(3);
  });

  it('is ended when it is so twice without progress', () => {
    const scene = new Scene().running();
    for (const round of [1, 2]) {
      const generation = scene.run.ring!.generation;
      scene.failed('1', { blames: [1] }).wait(200);
      scene.prepared('1', 10, 'a', doing(generation, 'all-reduce', 1));
      scene.prepared('2', 10, 'a', doing(generation, 'compute', null));
      expect(scene.ended).toEqual(round === 1 ? [] : ['2']);
      if (round === 1) scene.started('1').started('2');
    }
    expect(scene.wait(1000).formed(10, '1').run.state).toBe('running');
  });

  it('is the one that dies, if it was the cause', () => {
    const scene = new Scene()
      .running()
      .failed('1', { blames: [1] })
      .exited('2', null);
    expect(scene.incidents).toEqual([expect.stringContaining('Trainer 2')]);
    expect(scene.wait(200).prepared('1', 10).incidents).toEqual([]);
    expect(scene.sent('start')).toHaveLength(1);
  });

  it('is a worker whose bytes differ from the majority', () => {
    const scene = new Scene({ auditEvery: 5 }).running('1', '2', '3');
    scene.failed('2', { blames: [2] }, 'STATE_DIVERGED');
    expect(scene.ended).toEqual(['3']);
    expect(scene.run).toMatchObject({ excluded: ['w3'], generation: 2, divergences: 1 });
    scene.prepared('1', 10).prepared('2', 10, 'b');
    expect(scene.run.distrust).toBe(true);
  });

  it('is found when survivors of one position hold different states', () => {
    const scene = new Scene().running('1', '2', '3', '4').exited('4');
    scene.prepared('1', 10).prepared('2', 10, 'x').prepared('3', 10);
    expect(scene.ended).toEqual(['2']);
    expect(scene.run.excluded).toEqual(['w2']);
    expect(scene.wait(200).prepared('1', 10).prepared('3', 10).sent('start')[0]).toMatchObject({
      begin: { at: 'peers', holders: [0, 1] },
    });
  });

  it('cannot be told without a majority: the run goes back to what an audit has confirmed', () => {
    const scene = new Scene({ auditEvery: 5, keep: 3 }).running();
    scene.checkpointed(5).progress(7, { audit: 'agreed' }).checkpointed(8, 'd');
    scene.failed('1', { step: 10 }, 'STATE_DIVERGED');
    expect(scene.commands).toContainEqual(expect.objectContaining({ type: 'drop-checkpoint' }));
    scene.prepared('1', 10).prepared('2', 10, 'b');
    expect(scene.sent('start')[0]?.begin).toMatchObject({
      at: 'checkpoint',
      position: { step: 5 },
    });
    expect(scene.started('1').started('2').progress(6).run.distrust).toBe(false);
    for (let round = 0; round < 2; round++)
      scene.failed('1', { step: 10 }, 'AUDIT_MISMATCH').wait(1000).formed(10, '1', '2').progress(6);
    expect(scene.run).toMatchObject({ state: 'failed', error: { code: 'JOB_CRASH_LOOP' } });
  });
});
