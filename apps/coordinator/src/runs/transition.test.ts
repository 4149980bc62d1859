import type { TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import type { RunCommand } from './commands.js';
import { newRun, type Run, type RunEvent } from './run.js';
import { transition } from './transition.js';

const hash = (letter: string) => letter.repeat(64);

/** A run with its recorded commands and a clock. */
class Scene {
  run: Run;
  commands: RunCommand[] = [];
  now = 0;

  constructor(min = 1, max = 4) {
    this.run = newRun('j-1', 'mail', { min, max, microbatches: 8, keep: 2 });
    this.feed({ type: 'preparing' });
    this.feed({ type: 'prepared' });
  }

  feed(event: RunEvent): this {
    const { run, commands } = transition(this.run, event, this.now);
    this.run = run;
    this.commands = [...commands];
    return this;
  }
  place(...trainers: string[]): this {
    return this.feed({
      type: 'placed',
      trainers: trainers.map((id) => ({ id, worker: `w${id}` })),
    });
  }
  say(trainer: string, message: TrainerMessage): this {
    return this.feed({ type: 'message', trainer, message });
  }
  ready(...trainers: string[]): this {
    for (const trainer of trainers)
      this.say(trainer, { type: 'ready', steps: 100, numerics: { cpu: 'zen' }, parameters: 1 });
    return this;
  }
  prepared(trainer: string, step: number | null = null, letter = 'a'): this {
    const state = step === null ? null : { step, evaluations: 0, stateHash: hash(letter) };
    const { generation } = this.run;
    return this.say(trainer, {
      ...{ type: 'prepared', generation, endpoint: `tcp://${trainer}`, donor: '', state },
      interrupted: null,
    });
  }
  progress(step: number): this {
    const report = {
      ...{ step, loss: 1, counted: 1, tokens: 1, learningRate: 1, gradientNorm: 1, attempts: 1 },
      ...{ seconds: 0.1, ringBytes: 1, microbatches: 1, nonFinite: null },
      ledger: { samples: 1, digest: 1 },
      phases: { compute: 1, quantise: 0, send: 0, wait: 0, update: 0 },
    };
    const { generation } = this.run;
    return this.say('1', {
      type: 'progress',
      generation,
      rank: 0,
      steps: [report],
      evaluations: [],
    });
  }
  checkpointed(step: number): this {
    const { generation } = this.run;
    const manifest = hash('c');
    return this.say('1', {
      type: 'checkpointed',
      generation,
      position: { step, evaluations: 0, stateHash: hash('b') },
      manifest,
      seconds: 1,
    });
  }
  failed(trainer: string, fatal = false, code = 'RING_PEER_LOST'): this {
    const error = { code, message: 'it broke', remedy: '', detail: null };
    const { generation, step } = this.run;
    return this.say(trainer, { type: 'failed', generation, step, fatal, blames: [], error });
  }
  exited(trainer: string, signal = 'SIGKILL'): this {
    const departure = {
      ...{ cause: 'exited' as const, code: null, signal, lastLines: ['boom'] },
      ...{ rssBytes: null, outOfMemory: false },
    } as const;
    return this.feed({ type: 'gone', trainer, departure });
  }
  lost(trainer: string): this {
    return this.feed({
      type: 'gone',
      trainer,
      departure: { cause: 'worker-lost', reason: 'silence' },
    });
  }
  /** Two trainers that have made ten steps. */
  running(): this {
    return this.place('1', '2').ready('1', '2').prepared('1').prepared('2').progress(10);
  }
  sent<Type extends TrainerCommand['type']>(type: Type) {
    return this.commands.flatMap((command) =>
      command.type === 'send' && command.command.type === type
        ? [command.command as Extract<TrainerCommand, { type: Type }>]
        : [],
    );
  }
  get incidents(): string[] {
    return this.commands.flatMap((c) => (c.type === 'report' ? [c.incident.what] : []));
  }
}

describe('a run without trouble', () => {
  it('goes from queued to succeeded', () => {
    const scene = new Scene();
    expect(scene.run.state).toBe('queued');
    expect(scene.place('1', '2').run.state).toBe('starting');
    expect(scene.ready('1').sent('prepare')).toEqual([]);
    expect(
      scene
        .ready('2')
        .sent('prepare')
        .map(({ rank }) => rank),
    ).toEqual([0, 1]);
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
    expect(scene.commands.filter(({ type }) => type === 'end')).toHaveLength(2);
  });

  it('waits for its gang', () => {
    const scene = new Scene(3).place('1', '2').ready('1', '2');
    expect(scene.run).toMatchObject({ state: 'queued', generation: 0 });
    expect(scene.place('3').ready('3').run.generation).toBe(1);
  });
});

describe('a run that loses a trainer', () => {
  it('goes on from memory with who is left', () => {
    const scene = new Scene().running().exited('2');
    expect(scene.run).toMatchObject({ state: 'starting', generation: 2 });
    expect(scene.incidents[0]).toMatch(
      /Trainer 2 of job mail \(j-1\) on worker w2, rank 1 of 2 in generation 1, was ended by SIGKILL at step 10\. Its last lines: boom Generation 2 is being formed of 1 trainers\./,
    );
    expect(scene.prepared('1', 11).sent('start')[0]).toMatchObject({
      generation: 2,
      begin: { at: 'peers', position: { step: 11 } },
    });
  });

  it('goes on from the newest checkpoint when survivors differ', () => {
    const scene = new Scene().place('1', '2', '3').ready('1', '2', '3');
    scene.prepared('1').prepared('2').prepared('3').progress(10).checkpointed(8).exited('2');
    scene.prepared('1', 11).prepared('3', 10);
    expect(scene.sent('start')[0]).toMatchObject({
      begin: { at: 'checkpoint', position: { step: 8 } },
    });
    expect(scene.run.step).toBe(8);
  });

  it('lets a replacement join at the next checkpoint, and not before', () => {
    const scene = new Scene().running().exited('2').prepared('1', 10).place('3').ready('3');
    expect(scene.run).toMatchObject({ state: 'running', generation: 2 });
    expect(scene.checkpointed(20).sent('prepare')).toHaveLength(2);
    scene.prepared('1', 21).prepared('3');
    expect(scene.sent('start')[0]).toMatchObject({
      begin: { at: 'checkpoint', position: { step: 20 } },
    });
  });

  it('gives its slots back when its gang does not come together again', () => {
    const scene = new Scene(2).running().lost('2');
    expect(scene.run.state).toBe('queued');
    scene.now += 60_000;
    expect(scene.feed({ type: 'tick' }).commands).toContainEqual({ type: 'end', trainer: '1' });
    expect(scene.run.trainers).toEqual([]);
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
    const scene = new Scene().running().failed('1').prepared('1', 10);
    scene.now += 60_000;
    scene.feed({ type: 'tick' });
    expect(scene.commands).toContainEqual({ type: 'end', trainer: '2' });
    expect(scene.prepared('1', 10).sent('start')).toHaveLength(1);
  });

  it('takes the checkpoint before a damaged one', () => {
    const scene = new Scene(2).running().checkpointed(5).progress(12).checkpointed(12);
    scene.exited('2').place('3').ready('3').prepared('1', 14).prepared('3');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
    scene.failed('1', false, 'CHECKPOINT_DAMAGED').prepared('1').prepared('3');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 5 } });
  });
});

describe('the crash loop', () => {
  it('fails the job at the third failure of one step', () => {
    const scene = new Scene().running().exited('1');
    scene.prepared('2', 10).exited('2').place('4').ready('4').prepared('4');
    expect(scene.run.step).toBe(0);
    const loop = new Scene();
    for (const id of ['1', '2', '3']) loop.place(id).ready(id).prepared(id).exited(id);
    expect(loop.run).toMatchObject({ state: 'failed', error: { code: 'JOB_CRASH_LOOP' } });
    expect(loop.incidents[0]).toContain('The job failed: Job j-1 failed 3 times at step 0');
  });

  it('counts trainers that cannot load', () => {
    const scene = new Scene();
    for (const id of ['1', '2', '3']) scene.place(id).exited(id);
    expect(scene.run.state).toBe('failed');
  });

  it('counts one failure once, however many trainers it takes down', () => {
    const scene = new Scene().place('1', '2', '3').ready('1', '2', '3');
    scene.prepared('1').prepared('2').prepared('3').failed('1').exited('2').exited('3').exited('1');
    expect(scene.run.strikes).toHaveLength(1);
  });

  it('does not count lost workers, nor what their neighbours say of them', () => {
    const scene = new Scene().running();
    for (let round = 0; round < 5; round++) {
      const other = round === 0 ? '2' : `x${round - 1}`;
      scene.failed('1').lost(other).prepared('1', 10);
      scene
        .place(`x${round}`)
        .ready(`x${round}`)
        .checkpointed(11 + round);
      scene.prepared('1', 11 + round).prepared(`x${round}`);
    }
    expect(scene.run).toMatchObject({ state: 'running', strikes: [] });
  });

  it('forgets failures at steps that were passed', () => {
    const scene = new Scene().running();
    for (let step = 11; step < 20; step++)
      scene
        .failed('1')
        .prepared('1', step)
        .prepared('2', step)
        .progress(step + 1);
    expect(scene.run.state).toBe('running');
  });

  it('keeps away from a worker where it cannot load, while others go on', () => {
    const scene = new Scene().running();
    for (const id of ['3', '4', '5']) {
      scene.feed({ type: 'placed', trainers: [{ id, worker: 'bad' }] }).exited(id);
      scene.progress(scene.run.step + 1);
    }
    expect(scene.run).toMatchObject({ state: 'running', excluded: ['bad'] });
  });
});

describe('a run that cannot go on', () => {
  it('fails at a fatal failure of the present generation only', () => {
    const scene = new Scene().running().exited('2');
    const error = { code: 'TRAINING_NON_FINITE', message: 'NaN', remedy: '', detail: null };
    scene.say('1', { type: 'failed', generation: 1, step: 3, fatal: true, blames: [], error });
    expect(scene.run.state).toBe('starting');
    scene.say('1', { type: 'failed', generation: 2, step: 3, fatal: true, blames: [], error });
    expect(scene.run).toMatchObject({ state: 'failed', error });
  });

  it('refuses a worker whose numerics differ', () => {
    const scene = new Scene().running().place('3');
    scene.say('3', { type: 'ready', steps: 100, numerics: { cpu: 'arm' }, parameters: 1 });
    expect(scene.run).toMatchObject({ state: 'running', excluded: ['w3'] });
    expect(scene.incidents[0]).toContain('cpu is arm, not zen');
  });

  it.each([
    ['queued', () => new Scene()],
    ['starting', () => new Scene().place('1')],
    ['running', () => new Scene().running()],
  ])('is cancelled while %s', (state, make) => {
    const scene = make();
    expect(scene.run.state).toBe(state);
    const held = scene.run.trainers.length;
    scene.feed({ type: 'cancelled' });
    expect(scene.run.state).toBe('cancelled');
    expect(scene.commands.filter(({ type }) => type === 'end')).toHaveLength(held);
  });

  it('stops its preparation when cancelled', () => {
    const fresh = newRun('j-1', 'mail', { min: 1, max: 1, microbatches: 1, keep: 1 });
    const { run } = transition(fresh, { type: 'preparing' }, 0);
    expect(transition(run, { type: 'cancelled' }, 0).commands).toEqual([
      { type: 'stop-preparation' },
    ]);
  });
});
