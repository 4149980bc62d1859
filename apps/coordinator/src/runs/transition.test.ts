import { describe, expect, it } from 'vitest';
import { newRun } from './run.js';
import { hash, LIMITS, Scene } from './scene.test.fixture.js';
import { transition } from './transition.js';

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
    scene.say('3', {
      type: 'ready',
      steps: 100,
      numerics: { cpu: 'arm' },
      parameters: { trained: 1, frozen: 0 },
    });
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
      scene
        .place(id)
        .say(id, { type: 'ready', steps: 100, numerics, parameters: { trained: 1, frozen: 0 } });
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
      cause: 'exited' as const,
      code: null,
      signal: 'SIGKILL',
      lastLines: [],
      rssBytes: 3 * 2 ** 30,
      outOfMemory: true,
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
