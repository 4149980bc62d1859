import { describe, expect, it } from 'vitest';
import { hash, Scene } from '../scene.test.fixture.js';

describe('a run that loses a trainer', () => {
  it('goes on from memory with who is left', () => {
    const scene = new Scene().running().exited('2');
    expect(scene.run).toMatchObject({ state: 'starting', generation: 2 });
    expect(scene.incidents[0]).toMatch(
      /Trainer 2 of job mail \(j-1\) on worker w2, rank 1 of 2 in generation 1, was ended by SIGSEGV at step 10\. Its last lines: boom Generation 2 is being formed of 1 trainers\./,
    );
    expect(scene.prepared('1', 11).sent('start')[0]).toMatchObject({
      generation: 2,
      begin: { at: 'peers', holders: [0], position: { step: 11 } },
    });
    expect(scene.run.step).toBe(11);
  });

  it('goes on from the newest state of any survivor, newcomers included', () => {
    const scene = new Scene({ max: 5 }).running('1', '2', '3').checkpointed(8);
    scene.place('4').exited('2').ready('4');
    expect(scene.prepared('1', 10).prepared('3', 11).sent('start')[0]).toMatchObject({
      begin: { at: 'peers', holders: [1], position: { step: 11 } },
      shares: [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    });
    const again = scene.failed('1').wait(200).prepared('1', 10).prepared('3', 11);
    expect(again.prepared('4').sent('start')[0]).toMatchObject({
      begin: { at: 'peers', holders: [1], position: { step: 11 } },
    });
  });

  it('takes a checkpoint only if it is newer than everything in memory', () => {
    const position = { step: 20, evaluations: 1, stateHash: hash('b') };
    const scene = new Scene().running().checkpointed(20);
    scene.say('1', {
      type: 'checkpointed',
      generation: 1,
      position,
      manifest: hash('e'),
      seconds: 1,
    });
    scene.exited('2').prepared('1', 20);
    expect(scene.sent('start')[0]?.begin).toEqual({
      at: 'checkpoint',
      position,
      manifest: hash('e'),
    });
  });

  it('tells how long the recovery took, by phase', () => {
    const scene = new Scene().running('1', '2', '3');
    scene.now = 20_000;
    scene.feed({ type: 'gone', trainer: '2', departure: { cause: 'silent', seconds: 4 } });
    scene.now += 1000;
    scene.prepared('1', 10).prepared('3', 11);
    scene.now += 2000;
    scene.started('3').started('1', 2, 1.5);
    scene.now += 500;
    expect(scene.progress(12).recoveries).toEqual([
      {
        type: 'recovered',
        incident: 1,
        recovery: { detect: 4, abort: 1, form: 0.5, transfer: 1.5, firstStep: 0.5 },
      },
    ]);
    expect(scene.progress(13).recoveries).toEqual([]);
  });

  it('keeps what too few survivors hold until others come', () => {
    const scene = new Scene({ min: 2 }).running().lost('2').prepared('1', 11);
    expect(scene.sent('start')).toEqual([]);
    expect(scene.run.state).toBe('queued');
    scene.place('3').ready('3').prepared('1', 11);
    expect(scene.prepared('3').sent('start')[0]).toMatchObject({
      begin: { at: 'peers', holders: [0], position: { step: 11 } },
    });
  });

  it('saves what it holds before it gives its slots back', () => {
    const scene = new Scene({ min: 2 }).running().lost('2').prepared('1', 11).wait(60_000);
    expect(scene.sentTo('1')).toEqual([{ type: 'save' }]);
    expect(scene.ended).toEqual([]);
    expect(scene.checkpointed(11).ended).toEqual(['1']);
    expect(scene.run).toMatchObject({ state: 'queued', trainers: [], ring: null });
    scene.place('5', '6').ready('5', '6').prepared('5').prepared('6');
    expect(scene.sent('start')[0]?.begin).toMatchObject({
      at: 'checkpoint',
      position: { step: 11 },
    });
  });

  it('gives its slots back when they cannot be saved, or nothing is to be saved', () => {
    const scene = new Scene({ min: 2 }).running().lost('2').prepared('1', 11).wait(60_000);
    expect(scene.wait(200_000).ended).toEqual(['1']);
    expect(scene.incidents[0]).toContain('could not save its state');
    const empty = new Scene({ min: 2 }).place('1').ready('1').wait(1);
    expect(empty.wait(60_000).ended).toEqual(['1']);
  });

  it('does not mind one that goes after its part is done', () => {
    const scene = new Scene().running();
    const position = { step: 100, evaluations: 0, stateHash: hash('f') };
    const done = { generation: 1, position, metrics: {} };
    scene.say('2', { type: 'finished', rank: 1, model: null, ...done }).exited('2');
    expect(scene.incidents).toEqual([]);
    expect(scene.run.state).toBe('running');
  });

  it('ends members who do not promise in time and goes on without them', () => {
    const scene = new Scene()
      .running()
      .failed('1', { blames: [1] })
      .prepared('1', 10);
    expect(scene.wait(9_000).ended).toEqual([]);
    expect(scene.wait(2_000).ended).toEqual(['2']);
    expect(scene.incidents).toEqual([expect.stringContaining('Trainer 2')]);
    expect(scene.wait(1_000).prepared('1', 10).sent('start')).toHaveLength(1);
  });

  it('takes the checkpoint before a damaged one', () => {
    const scene = new Scene().running().checkpointed(5).checkpointed(12, 'd');
    scene.exited('1').exited('2').place('3', '4').ready('3', '4').wait(200);
    scene.prepared('3').prepared('4');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
    scene.failed('3', {}, 'CHECKPOINT_DAMAGED').wait(1000).prepared('3').prepared('4');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 5 } });
  });

  it('is in less and less of a hurry while nothing comes of it', () => {
    const scene = new Scene().running();
    expect(scene.failed('1').run.generation).toBe(2);
    expect(scene.failed('1').run.ring).toBeNull();
    expect(scene.wait(90).run.ring).toBeNull();
    expect(scene.wait(20).run.generation).toBe(3);
    expect(scene.failed('1').wait(190).run.ring).toBeNull();
    expect(scene.wait(20).run.generation).toBe(4);
    scene.formed(10, '1', '2').progress(11);
    expect(scene.failed('1').run.generation).toBe(5);
  });
});

describe('a trainer whose worker has registered again', () => {
  const reattached = (scene: Scene, trainer: string) =>
    scene.feed({ type: 'reattached', trainer }).sentTo(trainer);

  it('is told again what it has not answered, and nothing else', () => {
    const scene = new Scene().place('1', '2').ready('1', '2').prepared('1');
    expect(reattached(scene, '1')).toEqual([]);
    expect(reattached(scene, '2')).toMatchObject([{ type: 'prepare', generation: 1, rank: 1 }]);
    const [start] = scene.prepared('2').sent('start');
    scene.started('1');
    expect(reattached(scene, '1')).toEqual([]);
    expect(reattached(scene, '2')).toEqual([start]);
    scene.started('2').feed({ type: 'paused' });
    expect(reattached(scene, '2')).toMatchObject([{ type: 'retire', generation: 2 }]);
    scene.feed({ type: 'resumed' });
    expect(reattached(scene, '2')).toEqual([{ type: 'withdraw', generation: 2 }]);
  });
});
