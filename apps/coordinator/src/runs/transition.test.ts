import { describe, expect, it } from 'vitest';
import { newRun } from './run.js';
import { hash, LIMITS, Scene } from './scene.test.fixture.js';
import { transition } from './transition.js';

const doing = (
  generation: number,
  what: 'compute' | 'all-reduce',
  waitsFor: number | null,
  seconds = 3,
) => ({ ...{ generation, step: 10, attempt: 1, doing: what, waitsFor, seconds } });

describe('a run without trouble', () => {
  it('goes from queued to succeeded', () => {
    const scene = new Scene();
    expect(scene.run.state).toBe('queued');
    expect(scene.place('1', '2').run.state).toBe('starting');
    expect(scene.ready('1').sent('prepare')).toEqual([]);
    const prepares = scene.ready('2').sent('prepare');
    expect(prepares.map(({ rank, planned }) => ({ rank, planned }))).toEqual([
      { rank: 0, planned: false },
      { rank: 1, planned: false },
    ]);
    expect(scene.prepared('2').sent('start')).toEqual([]);
    const starts = scene.prepared('1').sent('start');
    expect(starts).toHaveLength(2);
    expect(starts[0]).toMatchObject({
      generation: 1,
      begin: { at: 'specification' },
      seats: [{ endpoint: 'tcp://1' }, { endpoint: 'tcp://2' }],
      shares: [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    });
    expect(scene.started('1').run.state).toBe('starting');
    expect(scene.started('2').run.state).toBe('running');
    expect(scene.progress(10).run).toMatchObject({ state: 'running', step: 10, steps: 100 });
    const position = { step: 100, evaluations: 0, stateHash: hash('f') };
    const done = { generation: 1, position, metrics: { loss: 1 } };
    scene.say('2', { type: 'finished', rank: 1, model: null, ...done });
    expect(scene.run.state).toBe('running');
    scene.say('1', { type: 'finished', rank: 0, model: hash('d'), ...done });
    expect(scene.run).toMatchObject({ state: 'succeeded', step: 100 });
    expect(scene.commands).toContainEqual({
      type: 'register-model',
      result: { stateHash: hash('f'), model: hash('d'), metrics: { loss: 1 } },
    });
    expect(scene.ended).toHaveLength(2);
  });

  it('waits for its gang', () => {
    const scene = new Scene({ min: 3 }).place('1', '2').ready('1', '2');
    expect(scene.run).toMatchObject({ state: 'queued', generation: 0 });
    expect(scene.place('3').ready('3').run.generation).toBe(1);
  });

  it('waits a while for others that load, and takes them in by a planned change when they are late', () => {
    const scene = new Scene().place('1', '2').ready('1').wait(4000);
    expect(scene.run.generation).toBe(0);
    expect(scene.wait(1500).run).toMatchObject({ generation: 1, state: 'starting' });
    scene.formed(null, '1').ready('2');
    expect(scene.sent('prepare')).toMatchObject([
      { generation: 2, rank: 0, planned: true },
      { generation: 2, rank: 1, planned: true },
    ]);
  });
});

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
        ...{ type: 'recovered', incident: 1 },
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
      ...{ type: 'checkpointed', generation: 1, manifest: hash('c'), seconds: 1 },
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

describe('a run that is to leave its slots', () => {
  it('is paused by agreement, and goes on when it is resumed', () => {
    const scene = new Scene().running().feed({ type: 'paused' });
    expect(scene.sent('retire')).toEqual([
      { type: 'retire', generation: 2, checkpoint: true },
      { type: 'retire', generation: 2, checkpoint: true },
    ]);
    scene.progress(12).retired('2', 12);
    expect(scene.ended).toEqual([]);
    scene.checkpointed(12, 'c', '1').retired('1', 12);
    expect(scene.ended).toEqual(['1', '2']);
    expect(scene.run).toMatchObject({ state: 'paused', ring: null, leave: null });
    expect(scene.place('3').commands).toEqual([]);
    scene.feed({ type: 'resumed' }).place('3').ready('3').prepared('3');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
  });

  it('yields, and queues again', () => {
    const scene = new Scene().running().feed({ type: 'yielded', reason: 'priority' });
    scene.checkpointed(12, 'c', '1').retired('1', 12).retired('2', 12);
    expect(scene.run).toMatchObject({ state: 'queued', trainers: [] });
  });

  it('is dismissed without a word, and goes on from its newest checkpoint', () => {
    const scene = new Scene().running().progress(12).checkpointed(12, 'c', '1').progress(15);
    scene.feed({ type: 'dismissed' });
    expect(scene.ended).toEqual(['1', '2']);
    expect(scene.incidents).toEqual([]);
    expect(scene.run).toMatchObject({ state: 'queued', trainers: [], ring: null, leave: null });
    scene.exited('1').exited('2').place('3').ready('3').prepared('3');
    expect(scene.incidents).toEqual([]);
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
  });

  it('stays paused, or is so, when it is dismissed meanwhile', () => {
    const paused = new Scene().running().feed({ type: 'paused' }).feed({ type: 'dismissed' });
    expect(paused.run).toMatchObject({ state: 'paused', trainers: [] });
    expect(paused.feed({ type: 'dismissed' }).run.state).toBe('paused');
  });

  it('saves what it holds when a failure comes in between', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).exited('1');
    expect(scene.sent('prepare')).toMatchObject([{ planned: false }]);
    expect(scene.prepared('2', 11).sentTo('2')).toEqual([{ type: 'save' }]);
    expect(scene.checkpointed(11, 'c', '2').run.state).toBe('paused');
  });

  it('goes on when it cannot be saved', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).retired('1', 12);
    const error = { code: 'DISK_FULL', message: 'full', remedy: '', detail: null };
    scene.say('2', { type: 'checkpoint-failed', generation: 2, step: 12, error });
    expect(scene.incidents[0]).toContain('could not be paused');
    expect(scene.run).toMatchObject({ leave: null, generation: 3 });
    expect(scene.prepared('1', 12).prepared('2', 12).sent('start')).toHaveLength(2);
  });

  it('is resumed in the midst of it', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).feed({ type: 'resumed' });
    expect(scene.sent('withdraw')).toHaveLength(2);
    expect(scene.run.state).toBe('running');
    scene.retired('1', 12, 2).retired('2', 12, 2);
    expect(scene.prepared('1', 12).prepared('2', 12).sent('start')).toHaveLength(2);
  });

  it('is paused at once when it holds nothing', () => {
    expect(new Scene().feed({ type: 'paused' }).run.state).toBe('paused');
    const loading = new Scene().place('1').feed({ type: 'paused' });
    expect(loading.ended).toEqual(['1']);
    expect(loading.run.state).toBe('paused');
  });
});

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

describe('the crash loop', () => {
  it('fails the job at the third failure of one step', () => {
    const loop = new Scene();
    for (const id of ['1', '2', '3'])
      loop.place(id).ready(id).wait(10_000).formed(null, id).exited(id);
    expect(loop.run).toMatchObject({ state: 'failed', error: { code: 'JOB_CRASH_LOOP' } });
    expect(loop.incidents[0]).toContain('The job failed: Job j-1 failed 3 times at step 0');
  });

  it('counts trainers that cannot load, as long as none ever could', () => {
    const scene = new Scene();
    for (const id of ['1', '2', '3']) scene.place(id).exited(id, null);
    expect(scene.run.state).toBe('failed');
    const killed = new Scene();
    for (const id of ['1', '2', '3', '4']) killed.place(id).exited(id, 'SIGKILL');
    expect(killed.run.state).toBe('queued');
  });

  it('counts neither kills of trainers that made progress, nor lost workers, nor failures while forming', () => {
    const scene = new Scene().running('1', '2', '3', '4');
    scene.exited('4').exited('3').wait(1000);
    for (let round = 0; round < 5; round++) scene.failed('1').wait(10_000);
    expect(scene.formed(10, '1', '2').run).toMatchObject({ state: 'running', strikes: [] });
    for (const id of ['5', '6', '7']) {
      scene.place(id).ready(id).prepared('1').prepared('2').prepared(id).started('1').lost(id);
      scene.wait(20_000).formed(10, '1', '2');
    }
    expect(scene.run).toMatchObject({ state: 'running', strikes: [] });
  });

  it('counts one failure once, however many trainers it takes down', () => {
    const scene = new Scene().place('1', '2', '3').ready('1', '2', '3');
    scene.formed(null, '1', '2', '3').failed('1').exited('2').exited('3').exited('1');
    expect(scene.run.strikes.length).toBeLessThanOrEqual(1);
  });

  it('forgets failures at steps that were passed', () => {
    const scene = new Scene().running();
    for (let step = 11; step < 20; step++)
      scene
        .failed('1')
        .formed(step, '1', '2')
        .progress(step + 1);
    expect(scene.run.state).toBe('running');
  });

  it('keeps away from a worker where trainers die before they make a step, while others go on', () => {
    const scene = new Scene().running();
    for (const id of ['3', '4', '5']) {
      scene.feed({ type: 'placed', trainers: [{ id, worker: 'bad' }] }).exited(id);
      if (id === '5')
        expect(scene.incidents[0]).toContain('The run keeps away from worker bad from now on.');
      scene.progress(scene.run.step + 1);
    }
    expect(scene.run).toMatchObject({ state: 'running', excluded: ['bad'] });
  });
});

describe('a run that cannot go on', () => {
  it('fails at a fatal failure of the present generation only', () => {
    const scene = new Scene().running().exited('2');
    const error = { code: 'TRAINING_NON_FINITE', message: 'NaN', remedy: '', detail: null };
    const failed = { type: 'failed' as const, step: 3, fatal: true, blames: [], error };
    scene.say('1', { ...failed, generation: 1 });
    expect(scene.run.state).toBe('starting');
    scene.say('1', { ...failed, generation: 2 });
    expect(scene.run).toMatchObject({ state: 'failed', error });
  });

  it('fails at once when a trainer finds it at fault, and no machine is', () => {
    const scene = new Scene().place('1', '2');
    scene.failed('1', { fatal: true, generation: 0 }, 'SAFETENSORS_INVALID');
    expect(scene.run).toMatchObject({
      state: 'failed',
      error: { code: 'SAFETENSORS_INVALID' },
      strikes: [],
      stillborn: {},
      excluded: [],
    });
  });

  it('has what is damaged made whole, whoever meets it and whenever, and nobody is at fault', () => {
    const scene = new Scene().place('1', '2');
    scene.failed('1', { generation: 0 }, 'BLOB_CORRUPT');
    expect(scene.commands).toContainEqual({ type: 'repair' });
    expect(scene.ended).toEqual(['1']);
    scene.failed('2', { generation: 0 }, 'BLOB_MISSING').running('3', '4');
    scene.failed('3', {}, 'DATA_SHARD_INVALID');
    expect(scene.commands).toContainEqual({ type: 'repair' });
    expect(scene.ended).toEqual(['3']);
    expect(scene.run).toMatchObject({ strikes: [], stillborn: {}, excluded: [] });
    expect(scene.run.state).not.toBe('failed');
  });

  it('doubts its workers when what is whole is called damaged again and again', () => {
    const scene = new Scene();
    for (let round = 0; round < 9 && scene.run.state !== 'failed'; round++)
      scene.place(`${round}`).failed(`${round}`, { generation: 0 }, 'BLOB_CORRUPT');
    expect(scene.run).toMatchObject({ state: 'failed', error: { code: 'JOB_CRASH_LOOP' } });
  });

  it('refuses a worker whose numerics differ', () => {
    const scene = new Scene().running().place('3');
    scene.say('3', { type: 'ready', steps: 100, numerics: { cpu: 'arm' }, parameters: 1 });
    expect(scene.run).toMatchObject({ state: 'running', excluded: ['w3'] });
    expect(scene.incidents[0]).toContain('cpu is arm, not zen');
  });

  it('takes workers on any release of Node, and keeps which they were', () => {
    const scene = new Scene().running();
    for (const [id, node] of [
      ['3', '24.0.0'],
      ['4', '20.19.0'],
      ['5', '24.0.0'],
    ] as const) {
      const numerics = { cpu: 'zen', node };
      scene.place(id).say(id, { type: 'ready', steps: 100, numerics, parameters: 1 });
    }
    expect(scene.run).toMatchObject({ excluded: [], numerics: { node: '24.0.0 20.19.0' } });
  });

  it('tells of checkpoints that fail once a streak', () => {
    const scene = new Scene().running();
    const error = { code: 'DISK_FULL', message: 'full', remedy: '', detail: null };
    const failed = { type: 'checkpoint-failed', generation: 1, step: 10, error } as const;
    expect(scene.say('1', failed).incidents[0]).toContain('could not write a checkpoint: full');
    expect(scene.say('1', failed).incidents).toEqual([]);
    expect(scene.checkpointed(12).say('1', { ...failed, step: 14 }).incidents).toHaveLength(1);
    expect(scene.run.state).toBe('running');
  });

  it('tells of a checkpoint that failed once, though the worker says so again', () => {
    const scene = new Scene().running();
    const error = { code: 'DISK_FULL', message: 'full', remedy: '', detail: null };
    const failed = { type: 'checkpoint-failed', generation: 1, step: 10, error } as const;
    expect(scene.say('1', failed).checkpointed(12).say('1', failed).incidents).toEqual([]);
  });

  it('tells what the system knows of an end', () => {
    const scene = new Scene().running();
    const departure = {
      ...{ cause: 'exited' as const, code: null, signal: 'SIGKILL', lastLines: [] },
      ...{ rssBytes: 3 * 2 ** 30, outOfMemory: true },
    };
    expect(scene.feed({ type: 'gone', trainer: '2', departure }).incidents[0]).toContain(
      'was ended by SIGKILL when the machine was out of memory, having used up to 3072 MiB of memory, at step 10.',
    );
  });

  it.each([
    ['queued', () => new Scene()],
    ['starting', () => new Scene().place('1')],
    ['running', () => new Scene().running()],
    ['paused', () => new Scene().feed({ type: 'paused' })],
  ])('is cancelled while %s', (state, make) => {
    const scene = make();
    expect(scene.run.state).toBe(state);
    const held = scene.run.trainers.length;
    scene.feed({ type: 'cancelled' });
    expect(scene.run.state).toBe('cancelled');
    expect(scene.ended).toHaveLength(held);
  });

  it('stops its preparation when cancelled', () => {
    const { run } = transition(newRun('j-1', 'mail', LIMITS), { type: 'preparing' }, 0);
    expect(transition(run, { type: 'cancelled' }, 0).commands).toEqual([
      { type: 'stop-preparation' },
    ]);
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
