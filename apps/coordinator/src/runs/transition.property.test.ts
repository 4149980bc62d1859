import { isFinal, type TrainerCommand, type TrainerMessage } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunCommand } from './commands.js';
import { newRun, type Run, type RunEvent } from './run.js';
import { transition } from './transition.js';

/** One random thing that happens; indices are taken modulo what exists. */
const action = fc.oneof(
  fc.record({ do: fc.constant('place' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('gone' as const), who: fc.nat(20), lost: fc.boolean() }),
  fc.record({ do: fc.constant('tick' as const), after: fc.integer({ min: 0, max: 1_000_000 }) }),
  fc.record({ do: fc.constant('repeat' as const), which: fc.nat(50) }),
  fc.record({
    do: fc.constant('say' as const),
    who: fc.nat(20),
    /** How many generations late. */
    late: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
    what: fc.constantFrom(
      ...(['ready', 'ready', 'prepared', 'prepared', 'prepared'] as const),
      ...(['progress', 'progress', 'checkpointed', 'failed', 'fatal', 'finished'] as const),
    ),
    state: fc.constantFrom('none', 'same', 'other'),
  }),
  fc.constant({ do: 'cancel' as const }),
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

const hash = (digit: number) => String(digit).repeat(64);

/** Plays the cluster around one run and checks every promise at every transition. */
class Cluster {
  run: Run;
  now = 0;
  alive = new Set<string>();
  #launched = 0;
  readonly #events: RunEvent[] = [];
  readonly #prepareSent = new Map<number, Map<string, number>>();
  readonly #promised = new Map<number, Set<string>>();
  readonly #startSent = new Set<number>();

  constructor(min: number, max: number) {
    const limits = { min, max, microbatches: 8, keep: 2 };
    this.run = newRun('j-1', 'mail', limits);
    this.feed({ type: 'preparing' });
    this.feed({ type: 'prepared' });
  }

  play(step: Action): void {
    switch (step.do) {
      case 'place': {
        const room = this.run.limits.max - this.run.trainers.length;
        const trainers = Array.from({ length: Math.min(step.count, room) }, () => {
          const id = `t-${this.#launched++}`;
          return { id, worker: `w-${this.#launched % 3}` };
        });
        if (!isFinal(this.run.state)) trainers.forEach(({ id }) => this.alive.add(id));
        this.feed({ type: 'placed', trainers });
        return;
      }
      case 'gone': {
        const trainer = [...this.alive].at(step.who % Math.max(1, this.alive.size));
        if (trainer === undefined) return;
        const departure = step.lost
          ? ({ cause: 'worker-lost', reason: 'silence' } as const)
          : ({
              ...{ cause: 'exited' as const, code: null, signal: 'SIGKILL', lastLines: ['bye'] },
              ...{ rssBytes: null, outOfMemory: false },
            } as const);
        this.alive.delete(trainer);
        this.feed({ type: 'gone', trainer, departure });
        return;
      }
      case 'tick':
        this.now += step.after;
        this.feed({ type: 'tick' });
        return;
      case 'repeat': {
        const event = this.#events[step.which % Math.max(1, this.#events.length)];
        if (event !== undefined && event.type !== 'placed') this.feed(event);
        return;
      }
      case 'cancel':
        this.feed({ type: 'cancelled' });
        return;
      case 'say': {
        const trainer = `t-${step.who % Math.max(1, this.#launched)}`;
        this.feed({ type: 'message', trainer, message: this.#message(step) });
      }
    }
  }

  #message(step: Extract<Action, { do: 'say' }>): TrainerMessage {
    const generation = Math.max(1, this.run.generation - step.late);
    const at = this.run.step;
    const error = { code: 'INTERNAL', message: 'it broke', remedy: '', detail: null };
    switch (step.what) {
      case 'ready':
        return { type: 'ready', steps: 1000, numerics: { cpu: 'zen' }, parameters: 1 };
      case 'prepared': {
        const digit = step.state === 'same' ? 1 : 2;
        const state =
          step.state === 'none' ? null : { step: at, evaluations: 0, stateHash: hash(digit) };
        return {
          ...{ type: 'prepared', generation, endpoint: `tcp://${step.who}`, donor: '', state },
          interrupted: null,
        };
      }
      case 'progress': {
        const report = {
          ...{ step: at + 1, loss: 1, counted: 1, tokens: 1, learningRate: 1, gradientNorm: 1 },
          ...{ attempts: 1, seconds: 1, ringBytes: 1, microbatches: 1, nonFinite: null },
          ledger: { samples: 1, digest: 1 },
          phases: { compute: 1, quantise: 0, send: 0, wait: 0, update: 0 },
        };
        return { type: 'progress', generation, rank: 0, steps: [report], evaluations: [] };
      }
      case 'checkpointed':
        return {
          type: 'checkpointed',
          generation,
          position: { step: at, evaluations: 0, stateHash: hash(1) },
          manifest: hash(at % 10),
          seconds: 1,
        };
      case 'finished':
        return {
          ...{ type: 'finished' as const, generation, rank: 0 },
          position: { step: 1000, evaluations: 0, stateHash: hash(3) },
          ...{ model: hash(4), metrics: {} },
        };
      case 'failed':
      case 'fatal':
        return {
          ...{
            type: 'failed',
            generation,
            step: at,
            fatal: step.what === 'fatal',
            blames: [],
            error,
          },
        };
    }
  }

  feed(event: RunEvent): void {
    const before = this.run;
    this.#events.push(event);
    if (event.type === 'message' && event.message.type === 'prepared') {
      const { generation } = event.message;
      this.#promised.set(
        generation,
        (this.#promised.get(generation) ?? new Set()).add(event.trainer),
      );
    }
    const { run, commands } = transition(before, event, this.now);
    this.run = run;
    for (const command of commands) if (command.type === 'end') this.alive.delete(command.trainer);
    this.#check(before, event, commands);
  }

  #check(before: Run, event: RunEvent, commands: readonly RunCommand[]): void {
    const { run } = this;
    if (isFinal(before.state)) {
      expect(run).toBe(before);
      expect(commands).toEqual([]);
      return;
    }
    if (event.type === 'cancelled') expect(run.state).toBe('cancelled');
    if (isFinal(run.state)) {
      expect(run.trainers).toEqual([]);
      expect(run.ring).toBeNull();
      expect([...this.alive]).toEqual([]);
      return;
    }
    expect(run.generation).toBeGreaterThanOrEqual(before.generation);
    expect(run.trainers.length).toBeLessThanOrEqual(run.limits.max);
    expect(run.trainers.map(({ id }) => id).sort()).toEqual([...this.alive].sort());
    expect(run.state === 'running').toBe(run.ring?.started === true);
    expect(run.checkpoints.length).toBeLessThanOrEqual(run.limits.keep);
    if (run.ring !== null) {
      expect(run.ring.generation).toBe(run.generation);
      expect(run.ring.members.length).toBeGreaterThanOrEqual(run.limits.min);
    }
    if (event.type === 'message') this.#checkFence(before, event.message, commands);
    this.#checkSent(before, commands);
  }

  #checkFence(before: Run, message: TrainerMessage, commands: readonly RunCommand[]): void {
    if (message.type === 'ready' || message.generation === before.ring?.generation) return;
    expect(this.run).toEqual(before);
    expect(commands).toEqual([]);
  }

  #checkSent(before: Run, commands: readonly RunCommand[]): void {
    const sent = commands.flatMap((command) => (command.type === 'send' ? [command] : []));
    const of = <Type extends TrainerCommand['type']>(type: Type) =>
      sent.flatMap(({ trainer, command }) =>
        command.type === type
          ? [{ trainer, command: command as Extract<TrainerCommand, { type: Type }> }]
          : [],
      );
    const prepares = of('prepare');
    if (prepares.length > 0) {
      expect(this.run.generation).toBe(before.generation + 1);
      expect(prepares.map(({ command }) => command.rank)).toEqual(prepares.map((_, rank) => rank));
      for (const { command } of prepares) {
        expect(command.generation).toBe(this.run.generation);
        expect(command.size).toBe(prepares.length);
      }
      const ranks = new Map(prepares.map(({ trainer, command }) => [trainer, command.rank]));
      this.#prepareSent.set(this.run.generation, ranks);
      for (const trainer of ranks.keys()) expect(this.alive).toContain(trainer);
    } else expect(this.run.generation).toBe(before.generation);

    const starts = of('start');
    if (starts.length === 0) return;
    const generation = this.run.generation;
    expect(this.#startSent).not.toContain(generation);
    this.#startSent.add(generation);
    const members = this.#prepareSent.get(generation)!;
    expect(starts.map(({ trainer }) => trainer).sort()).toEqual([...members.keys()].sort());
    for (const { trainer, command } of starts) {
      expect(command.generation).toBe(generation);
      expect(this.#promised.get(generation)).toContain(trainer);
      expect(command.shares.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(command.shares).toHaveLength(members.size);
      expect(command.seats).toHaveLength(members.size);
    }
    const [first] = starts;
    const states = this.run.ring!.members.map(({ prepared }) => prepared?.state ?? null);
    if (first!.command.begin.at === 'peers') {
      for (const state of states) expect(state).toEqual(states[0]);
      expect(states[0]).not.toBeNull();
    }
  }
}

describe('a run, whatever happens in whatever order', () => {
  it('keeps every promise', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(action, { minLength: 10, maxLength: 120 }),
        (min, extra, actions) => {
          const cluster = new Cluster(min, min + extra);
          for (const step of actions) cluster.play(step);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('ends when it is cancelled, and stays so', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.array(action), (first, later) => {
        const cluster = new Cluster(1, 4);
        for (const step of first) cluster.play(step);
        const already = isFinal(cluster.run.state) ? cluster.run.state : 'cancelled';
        cluster.play({ do: 'cancel' });
        for (const step of later) cluster.play(step);
        expect(cluster.run.state).toBe(already);
      }),
    );
  });

  it('succeeds as soon as trainers do their part and nothing goes wrong', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const cluster = new Cluster(2, 4);
        for (const step of actions) cluster.play(step);
        for (let turn = 0; turn < 50 && !isFinal(cluster.run.state); turn++) cooperate(cluster);
        expect(isFinal(cluster.run.state)).toBe(true);
      }),
    );
  });
});

/** Every trainer answers what it was asked. */
function cooperate(cluster: Cluster): void {
  const { run } = cluster;
  if (run.trainers.length < run.limits.min) {
    cluster.play({ do: 'place', count: 2 });
    return;
  }
  const say = (trainer: string, message: TrainerMessage) => {
    cluster.feed({ type: 'message', trainer, message });
  };
  for (const { id, ready } of run.trainers)
    if (!ready) say(id, { type: 'ready', steps: 1000, numerics: { cpu: 'zen' }, parameters: 1 });
  const { ring } = cluster.run;
  if (ring === null) return;
  const { generation, members } = ring;
  for (const { trainer } of members)
    say(trainer, {
      ...{ type: 'prepared', generation, endpoint: 'tcp://x', donor: '', state: null },
      interrupted: null,
    });
  const position = { step: 1000, evaluations: 0, stateHash: hash(3) };
  const done = { position, metrics: {} };
  members.forEach(({ trainer }, rank) => {
    say(trainer, {
      type: 'finished',
      generation,
      rank,
      model: rank === 0 ? hash(4) : null,
      ...done,
    });
  });
}
