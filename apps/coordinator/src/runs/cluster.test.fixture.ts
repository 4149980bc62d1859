import { isFinal, type TrainerCommand, type TrainerMessage } from '@ringmaster/protocol';
import { expect } from 'vitest';
import type { RunCommand } from './commands.js';
import type { RunEvent } from './event.js';
import { newRun, runSchema, type Run } from './run.js';
import { LIMITS } from './scene.test.fixture.js';
import { TrainerModel } from './trainer.test.fixture.js';
import { transition } from './transition.js';

interface Process {
  readonly trainer: TrainerModel;
  /** Messages on their way, each way in order. */
  down: TrainerCommand[];
  up: (TrainerMessage | 'exit')[];
  alive: boolean;
}

/** Everything that can happen next, by name; `pick` chooses among what it can happen to. */
export const actions = [
  ...(['place', 'load', 'down', 'up', 'transfer', 'sum', 'apply', 'checkpoint', 'tick'] as const),
  ...(['kill', 'lose', 'fail', 'wait', 'restart', 'pause', 'resume', 'release', 'yield'] as const),
];
export type Action = (typeof actions)[number];

/** A run among modelled trainers. It checks every promise of the coordinator at every transition. */
export class ClusterModel {
  run: Run;
  now = 0;
  readonly processes = new Map<string, Process>();
  readonly sent: TrainerCommand[] = [];
  readonly incidents: string[] = [];
  /** What was told for each generation, which is told once and to its members alone. */
  readonly #starts = new Map<number, TrainerCommand>();
  readonly #members = new Map<number, string[]>();
  #launched = 0;

  constructor(min: number, max: number) {
    this.run = newRun('j-1', 'mail', { ...LIMITS, min, max });
    this.feed({ type: 'preparing' });
    this.feed({ type: 'prepared' });
  }

  do(action: Action, pick: number): void {
    const any = <Value>(values: readonly Value[]): Value | undefined =>
      values[pick % Math.max(1, values.length)];
    const alive = [...this.processes.values()].filter((process) => process.alive);
    switch (action) {
      case 'place':
        this.place(1 + (pick % 2));
        break;
      case 'load':
        any(alive.filter(({ trainer }) => !trainer.loaded))?.trainer.load();
        break;
      case 'down':
        this.#deliverDown(any(alive.filter(({ down }) => down.length > 0)));
        break;
      case 'up':
        this.#deliverUp(any([...this.processes.values()].filter(({ up }) => up.length > 0)));
        break;
      case 'transfer':
        this.#transfer(any(alive.filter(({ trainer }) => this.#donorOf(trainer) !== null)));
        break;
      case 'sum':
        this.#sum(any(this.#summable()));
        break;
      case 'apply':
        any(alive.filter(({ trainer }) => trainer.pending !== null))?.trainer.apply();
        break;
      case 'checkpoint': {
        const rank0 = any(alive.filter(({ trainer }) => trainer.ring?.rank === 0));
        rank0?.trainer.checkpoint(rank0.trainer.ring?.generation ?? 0);
        break;
      }
      case 'tick':
      case 'wait':
        this.now += action === 'tick' ? pick % 300 : 12_000;
        this.feed({ type: 'tick' });
        break;
      case 'kill':
        this.kill(any(alive));
        break;
      case 'lose': {
        const lost = any(alive);
        if (lost === undefined) break;
        [lost.alive, lost.up, lost.down] = [false, [], []];
        const departure = { cause: 'worker-lost', reason: 'silence' } as const;
        this.feed({ type: 'gone', trainer: lost.trainer.id, departure });
        break;
      }
      case 'fail':
        this.#fail(any(alive.filter(({ trainer }) => this.#missing(trainer).length > 0)));
        break;
      case 'restart':
        this.#restart();
        break;
      case 'pause':
        this.feed({ type: 'paused' });
        break;
      case 'resume':
        this.feed({ type: 'resumed' });
        break;
      case 'release': {
        const released = any(this.run.trainers);
        const trainers = released === undefined ? [] : [released.id];
        this.feed({ type: 'released', trainers, reason: 'its worker leaves' });
        break;
      }
      case 'yield':
        this.feed({ type: 'yielded', reason: 'priority' });
    }
  }

  place(count: number): void {
    const room = this.run.limits.max - this.run.trainers.length;
    const trainers = Array.from({ length: Math.min(count, room) }, () => {
      const id = `t-${this.#launched++}`;
      return { id, worker: `w-${id}` };
    });
    this.feed({ type: 'placed', trainers });
  }

  kill(process: Process | undefined): void {
    if (process === undefined) return;
    process.alive = false;
    process.down = [];
    process.up.push('exit');
  }

  /** Everyone does their part for a while, and nothing goes wrong. */
  cooperate(): void {
    if (this.run.state === 'paused') this.feed({ type: 'resumed' });
    if (this.run.trainers.length < this.run.limits.min) this.place(this.run.limits.min);
    for (let turn = 0; turn < 6; turn++) {
      for (const action of ['load', 'down', 'up', 'transfer', 'down', 'up', 'fail'] as const)
        for (let pick = 0; pick < 8; pick++) this.do(action, pick);
      this.do('sum', turn);
      for (let pick = 0; pick < 8; pick++) this.do('apply', pick);
    }
    this.now += 1000;
    this.feed({ type: 'tick' });
  }

  feed(event: RunEvent): void {
    const before = this.run;
    const { run, commands } = transition(before, event, this.now);
    this.run = run;
    this.#check(before, commands);
    for (const command of commands) this.#carryOut(command);
    const held = run.trainers.map(({ id }) => id);
    for (const id of held) expect(this.processes.has(id)).toBe(true);
  }

  #carryOut(command: RunCommand): void {
    switch (command.type) {
      case 'launch': {
        const { trainer: id } = command;
        const up: Process['up'] = [];
        const trainer = new TrainerModel(id, (message) => up.push(message));
        const process: Process = { trainer, down: [], up, alive: true };
        this.processes.set(id, process);
        break;
      }
      case 'send':
        this.sent.push(command.command);
        this.processes.get(command.trainer)?.down.push(command.command);
        break;
      case 'end': {
        const process = this.processes.get(command.trainer);
        if (process !== undefined) [process.alive, process.up, process.down] = [false, [], []];
        break;
      }
      case 'report':
        this.incidents.push(command.incident.what);
        break;
      default:
    }
  }

  #deliverDown(process: Process | undefined): void {
    const command = process?.down.shift();
    if (command !== undefined) process?.trainer.obey(command);
  }

  #deliverUp(process: Process | undefined): void {
    const message = process?.up.shift();
    if (process === undefined || message === undefined) return;
    const { id } = process.trainer;
    if (message !== 'exit') {
      this.feed({ type: 'message', trainer: id, message });
      return;
    }
    const departure = {
      ...{ cause: 'exited' as const, code: null, signal: 'SIGKILL', lastLines: [] },
      ...{ rssBytes: null, outOfMemory: false },
    };
    this.feed({ type: 'gone', trainer: id, departure });
  }

  /** The coordinator dies with what it was about to send, and another goes on from what is stored. */
  #restart(): void {
    const stored: unknown = JSON.parse(JSON.stringify(this.run));
    const read = runSchema.parse(stored);
    expect(read).toEqual(this.run);
    this.run = read;
    for (const process of this.processes.values()) process.down = [];
    for (const { id } of this.run.trainers) this.feed({ type: 'reattached', trainer: id });
  }

  #living(id: string): TrainerModel | null {
    const process = this.processes.get(id);
    return process?.alive === true ? process.trainer : null;
  }

  /** Ranks of its ring that are dead or have left it. */
  #missing({ ring, state, id }: TrainerModel): number[] {
    if (ring === null) return [];
    return (this.#members.get(ring.generation) ?? []).flatMap((other, rank) => {
      const living = this.#living(other);
      const waits = living?.joins?.generation === ring.generation && state !== null;
      const there = living?.ring?.generation === ring.generation || waits;
      return other === id || there ? [] : [rank];
    });
  }

  #fail(process: Process | undefined): void {
    if (process !== undefined) process.trainer.fail(this.#missing(process.trainer));
  }

  /** Whom a trainer can take the state from now: one that holds it, and has begun that generation. */
  #donorOf(trainer: TrainerModel): TrainerModel | null {
    const start = trainer.joins ?? (trainer.state === null ? trainer.ring?.start : undefined);
    if (start === undefined || !('holders' in start.begin)) return null;
    const { begin, generation } = start;
    for (const rank of begin.holders) {
      const donor = this.#living(this.#members.get(generation)?.[rank] ?? '');
      if (donor?.ring?.generation !== generation || donor.state === null) continue;
      if (donor.pending === null) return donor;
    }
    return null;
  }

  #transfer(process: Process | undefined): void {
    const trainer = process?.trainer;
    const state = trainer === undefined ? null : (this.#donorOf(trainer)?.state ?? null);
    const start = trainer?.joins ?? trainer?.ring?.start;
    if (trainer === undefined || state === null || start === undefined) return;
    trainer.join(start, state);
  }

  /** Generations whose members are all there, with one state. */
  #summable(): number[] {
    return [...this.#members.keys()].filter((generation) => {
      const members = this.#members.get(generation)?.map((id) => this.#living(id)) ?? [];
      const state = members[0]?.state ?? null;
      return (
        state !== null &&
        members.every(
          (member) =>
            member?.ring?.generation === generation &&
            member.pending === null &&
            !member.failed &&
            !member.isDone &&
            member.state?.stateHash === state.stateHash,
        )
      );
    });
  }

  #sum(generation: number | undefined): void {
    const members = (this.#members.get(generation ?? 0) ?? []).flatMap(
      (id) => this.#living(id) ?? [],
    );
    const [first] = members;
    const ring = first?.ring ?? null;
    if (first === undefined || ring === null) return;
    expect(ring.start.shares.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const named = first.named;
    const agreed = members.every((member) => member.named === named) ? named : null;
    for (const member of members) member.pending = { agreed };
  }

  #check(before: Run, commands: readonly RunCommand[]): void {
    const { run } = this;
    if (isFinal(before.state)) {
      expect(run).toBe(before);
      expect(commands).toEqual([]);
      return;
    }
    if (isFinal(run.state) || run.state === 'paused') {
      expect(run.trainers).toEqual([]);
      expect(run.ring).toBeNull();
    }
    expect(run.generation).toBeGreaterThanOrEqual(before.generation);
    expect(run.checkpoints.length).toBeLessThanOrEqual(run.limits.keep);
    for (const { generation } of [run.ring, ...run.planned].flatMap((one) => one ?? []))
      expect(generation).toBeLessThanOrEqual(run.generation);
    for (const command of commands)
      if (command.type === 'send') this.#checkSent(command.trainer, command.command);
    if (run.trainers.length === 0 && before.trainers.length > 0 && !isFinal(run.state))
      this.#checkNothingLost(before, commands);
  }

  #checkSent(id: string, command: TrainerCommand): void {
    if (command.type === 'prepare') {
      const members = this.#members.get(command.generation) ?? [];
      members[command.rank] ??= id;
      expect(members[command.rank]).toBe(id);
      this.#members.set(command.generation, members);
      expect(command.rank).toBeLessThan(command.size);
    }
    if (command.type !== 'start') return;
    const { generation, begin, shares, firstShares, seats } = command;
    const members = this.#members.get(generation) ?? [];
    expect(members).toContain(id);
    expect(seats.map(({ endpoint }) => endpoint)).toEqual(
      members.map((member) => `tcp://${member}/${generation}`),
    );
    for (const deal of [shares, firstShares]) {
      expect(deal.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(deal).toHaveLength(members.length);
    }
    const isFirst = !this.#starts.has(generation);
    expect(this.#starts.get(generation) ?? command).toEqual(command);
    this.#starts.set(generation, command);
    if (begin.at === 'switch' || !isFirst) return;
    // Nothing newer than what the ring begins from is alive, and nobody's state moves any more.
    const from = 'position' in begin ? begin.position.step : 0;
    for (const { id: other } of this.run.trainers) {
      const living = this.#living(other);
      if (living?.loaded !== true) continue;
      expect(living.state?.step ?? 0).toBeLessThanOrEqual(from);
      if (members.includes(other)) expect(living.promised).toBe(generation);
    }
    if (begin.at === 'peers') {
      for (const rank of begin.holders) {
        const holder = this.#living(members[rank] ?? '');
        if (holder !== null) expect(holder.state).toEqual(begin.position);
      }
    }
  }

  /** Unless something went wrong, slots are given back only when what was in memory is durable. */
  #checkNothingLost(before: Run, commands: readonly RunCommand[]): void {
    if (commands.some(({ type }) => type === 'report')) return;
    const durable = this.run.checkpoints.at(-1)?.position.step ?? 0;
    for (const { id } of before.trainers) {
      const living = this.#living(id);
      if (living !== null) expect(living.state?.step ?? 0).toBeLessThanOrEqual(durable);
    }
  }
}
