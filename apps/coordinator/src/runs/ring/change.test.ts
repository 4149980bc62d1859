import { describe, expect, it } from 'vitest';
import { hash, Scene } from '../scene.test.fixture.js';

describe('a planned change', () => {
  it('takes a newcomer in while the ring goes on', () => {
    const scene = new Scene().running().place('3').ready('3');
    expect(scene.run).toMatchObject({ state: 'running', generation: 2, ring: { generation: 1 } });
    scene.prepared('1').progress(11).prepared('3');
    expect(scene.run.step).toBe(11);
    expect(scene.prepared('2').sent('start')[2]).toMatchObject({
      generation: 2,
      begin: { at: 'switch', from: 1, holders: [0, 1] },
      firstShares: [[0, 1, 2, 3], [4, 5, 6, 7], []],
      shares: [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
      ],
    });
    scene.progress(12);
    expect(scene.run.ring?.generation).toBe(1);
    scene.started('2');
    expect(scene.run).toMatchObject({ state: 'running', ring: { generation: 2 }, planned: [] });
    scene.say('1', {
      type: 'checkpointed',
      generation: 1,
      manifest: hash('c'),
      seconds: 1,
      position: { step: 12, evaluations: 0, stateHash: hash('b') },
    });
    expect(scene.run.checkpoints).toHaveLength(1);
  });

  it('lets a trainer go without an incident', () => {
    const scene = new Scene().running('1', '2', '3');
    scene.feed({ type: 'released', trainers: ['1'], reason: 'its worker leaves' });
    expect(scene.sentTo('1')).toEqual([]);
    scene.prepared('2').prepared('3');
    expect(scene.sentTo('1')).toEqual([{ type: 'retire', generation: 2, checkpoint: false }]);
    expect(scene.sent('start')).toHaveLength(2);
    scene.retired('1', 14);
    expect(scene.run).toMatchObject({ step: 14, ring: { generation: 2 }, state: 'running' });
    expect(scene.ended).toEqual(['1']);
    expect(scene.members).toEqual(['2', '3']);
    expect(scene.exited('1').incidents).toEqual([]);
    expect(scene.started('2').started('3').run.ring?.running).not.toBeNull();
  });

  it('keeps who is to leave until the ring has its minimum without it', () => {
    const scene = new Scene({ min: 2 }).running();
    scene.feed({ type: 'released', trainers: ['1', '2'], reason: 'their worker leaves' });
    expect(scene.sent('prepare')).toEqual([]);
    scene.place('3', '4').ready('3');
    expect(scene.run.planned[0]).toMatchObject({ retiring: ['1'] });
    scene.prepared('2').prepared('3').started('3').retired('1', 12, 2).started('2');
    scene.ready('4');
    expect(scene.run.planned[0]).toMatchObject({ retiring: ['2'] });
    const vain = new Scene({ min: 2 }).running();
    vain.feed({ type: 'released', trainers: ['1'], reason: 'its worker leaves' }).wait(12_000);
    expect(vain.sent('retire')).toEqual([
      { type: 'retire', generation: 2, checkpoint: true },
      { type: 'retire', generation: 2, checkpoint: true },
    ]);
  });

  it('is withdrawn when a newcomer dies, and may come true all the same', () => {
    const scene = new Scene().running().place('3').ready('3');
    scene.prepared('1').prepared('2').prepared('3').exited('3');
    expect(scene.sent('withdraw')).toHaveLength(2);
    expect(scene.run).toMatchObject({ state: 'running', ring: { generation: 1 } });
    scene.started('1', 2);
    expect(scene.run).toMatchObject({ state: 'starting', generation: 3 });
    expect(scene.members).toEqual(['1', '2']);
  });

  it('is given up with a newcomer that does not link', () => {
    const scene = new Scene().running().place('3', '4').ready('3');
    scene
      .prepared('1')
      .prepared('2')
      .prepared('3')
      .failed('1', { generation: 2, blames: [2] });
    expect(scene.ended).toEqual(['3']);
    expect(scene.incidents[0]).toContain('could not join generation 2');
    scene.ready('4');
    expect(scene.sent('prepare')).toEqual([]);
    expect(scene.wait(2000).sent('prepare')).toHaveLength(3);
    expect(scene.wait(31_000).ended).toEqual(['4']);
    expect(scene.run.state).toBe('running');
  });

  it('is not made for speeds that are alike, and for others after twenty steps', () => {
    const scene = new Scene({ max: 2 }).running();
    const steps = (slow: number) => {
      for (let step = scene.run.step + 1, end = step + 25; step < end; step++) {
        const phases = { compute: 0.08 * slow, quantise: 0, send: 0, wait: 0, update: 0 };
        scene.progress(step, { seconds: 0.1 * slow });
        scene.progress(step, { seconds: 0.1 * slow, phases }, '2');
      }
      scene.wait(1);
    };
    steps(1);
    expect(scene.run.planned).toEqual([]);
    steps(3);
    expect(scene.run.planned).toHaveLength(1);
    scene.prepared('1').prepared('2');
    const [start] = scene.sent('start');
    expect(start?.shares.map((share) => share.length)).toEqual([6, 2]);
    expect(start?.firstShares).toEqual(start?.shares);
  });

  it('gives way to a failure', () => {
    const scene = new Scene().running().place('3').ready('3').prepared('1').prepared('2');
    scene.prepared('3').exited('2');
    expect(scene.sent('prepare')).toMatchObject([
      { generation: 3, planned: false, size: 2 },
      { generation: 3, planned: false, size: 2 },
    ]);
    scene.started('1', 2);
    expect(scene.run.ring).toMatchObject({ generation: 3, told: null });
  });
});
