import { isDeepStrictEqual } from 'node:util';
import {
  newRun,
  runSchema,
  transition,
  type Run,
  type RunEvent,
} from '@ringmaster/coordinator/runs';
import { isFinal, type TrainerCommand } from '@ringmaster/protocol';
import type { Environment } from './environment.js';
import { Promises } from './promises.js';
import { FIRST, type State } from './state.js';
import { assert } from './witness.js';
import type { Trainer } from './trainer.js';
import type { Listener, Report, Worker } from './worker.js';
import type { World } from './world.js';

/** How long after its start a coordinator waits for the workers of the one before. */
const LEASE_MS = 3000;

/** The workers of a coordinator. */
export interface Fleet {
  readonly workers: readonly Worker[];
  worker(id: string): Worker | undefined;
  trainer(id: string): Trainer | undefined;
  /** A command that the coordinator has decided on. */
  told(command: TrainerCommand): void;
}

/** What a simulated run may have. */
export interface RunLimits {
  /** Trainers. */
  readonly min: number;
  readonly max: number;
  /** Of a step. */
  readonly microbatches: number;
}

/** A coordinator of one job: the real transition, with what is in its store surviving its crashes. */
export class Coordinator implements Listener {
  run: Run;
  isUp = true;
  readonly #world: World;
  readonly #fleet: Fleet;
  #stored: { readonly run: Run; readonly at: number };
  /** Simulated time minus that of the run's clock; null while reports are waited for. */
  #offset: number | null = 0;
  /** Commands that are still carried out before it crashes. */
  #dyingAfter: number | null = null;
  readonly #awaited = new Set<string>();
  readonly #promises: Promises;
  /** Incidents told. */
  readonly incidents: string[] = [];
  #lives = 0;

  constructor({ world, witness }: Environment, fleet: Fleet, limits: RunLimits) {
    this.#world = world;
    this.#fleet = fleet;
    this.#promises = new Promises({
      held: (trainers) => this.#heldBy(trainers),
      promised: (trainer) =>
        fleet.trainer(trainer) === undefined ? null : witness.promisedBy(trainer),
    });
    const others = { keep: 2, keepAtEnd: 0, auditEvery: 0 };
    this.run = newRun('j', 'job', { ...limits, ...others });
    this.#stored = { run: this.run, at: 0 };
    this.feed({ type: 'preparing' });
    this.feed({ type: 'prepared' });
  }

  feed(event: RunEvent): void {
    if (!this.isUp) return;
    const world = this.#world;
    const now = this.#offset === null ? this.#stored.at : world.now - this.#offset;
    const before = this.run;
    const { run, commands } = transition(before, event, now);
    this.run = run;
    this.#promises.judge(before, run, commands);
    // What is merely observed is not written for its own sake.
    if (commands.length > 0 || event.type !== 'tick') this.#stored = { run, at: now };
    for (const command of commands) {
      if (this.#dyingAfter === 0) break;
      if (this.#dyingAfter !== null) this.#dyingAfter--;
      if (command.type === 'send') {
        world.tell(() => `coordinator → ${command.trainer} ${JSON.stringify(command.command)}`);
        this.#fleet.told(command.command);
        const { trainer } = command;
        this.#workerOf(trainer)?.order({ type: 'command', trainer, command: command.command });
      } else if (command.type === 'launch') {
        world.tell(() => `coordinator launches ${command.trainer}`);
        this.#fleet.worker(command.worker)?.order({ type: 'launch', trainer: command.trainer });
      } else if (command.type === 'end') {
        world.tell(() => `coordinator ends ${command.trainer}`);
        this.#workerOf(command.trainer)?.order({ type: 'end', trainer: command.trainer });
      } else if (command.type === 'report') {
        this.incidents.push(command.incident.what);
        world.tell(() => `incident: ${command.incident.what}`);
      }
    }
    if (this.#dyingAfter === 0) this.crash();
  }

  tick(): void {
    if (this.#offset !== null) this.feed({ type: 'tick' });
  }

  /** Has the coordinator crash in the middle of what it does next. */
  crashSoon(commands: number): void {
    this.#dyingAfter = commands;
    if (commands === 0) this.crash();
  }

  crash(): void {
    if (!this.isUp) return;
    this.#world.tell(() => 'the coordinator crashes');
    this.isUp = false;
    this.#dyingAfter = null;
    for (const worker of this.#fleet.workers) worker.disconnect(0);
  }

  restart(): void {
    if (this.isUp) return;
    this.#world.tell(() => 'the coordinator is restarted');
    this.isUp = true;
    this.run = asRead(this.#stored.run);
    this.#offset = null;
    const life = ++this.#lives;
    for (const { id } of this.run.trainers) this.#awaited.add(id);
    this.#world.after(LEASE_MS, () => {
      if (life !== this.#lives || !this.isUp) return;
      this.#offset = this.#world.now - this.#stored.at;
      for (const trainer of this.#awaited) this.#lost(trainer);
      this.#awaited.clear();
    });
  }

  registered(worker: Worker): void {
    const ours = this.run.trainers.filter((trainer) => trainer.worker === worker.id);
    for (const { id } of ours) {
      this.#awaited.delete(id);
      if (worker.trainers.has(id)) this.feed({ type: 'reattached', trainer: id });
      else this.#lost(id);
    }
    for (const trainer of worker.trainers.keys()) {
      if (!this.run.trainers.some(({ id }) => id === trainer))
        worker.order({ type: 'end', trainer });
    }
  }

  /** A worker is not connected since then. */
  silent(worker: Worker, since: number): void {
    if (!this.isUp || this.#offset === null) return;
    if (this.#world.now - since < LEASE_MS) return;
    for (const { id } of this.run.trainers.filter((trainer) => trainer.worker === worker.id)) {
      this.#lost(id);
    }
  }

  reported(report: Report): void {
    this.#world.tell(() => describe(report));
    this.feed(report);
  }

  get isOver(): boolean {
    return isFinal(this.run.state);
  }

  #lost(trainer: string): void {
    this.#world.tell(() => `${trainer} is taken for lost`);
    const departure = { cause: 'worker-lost', reason: 'silence' } as const;
    this.feed({ type: 'gone', trainer, departure });
  }

  #workerOf(trainer: string): Worker | undefined {
    return this.#fleet.workers.find(({ id }) => trainer.startsWith(`${id}.`));
  }

  /** States that trainers hold whom this run may still ask. */
  held(): Map<string, State> {
    return this.#heldBy(this.run.trainers.map(({ id }) => id));
  }

  #heldBy(trainers: readonly string[]): Map<string, State> {
    const held = new Map<string, State>();
    for (const id of trainers) {
      const process = this.#fleet.trainer(id)?.process;
      if (process === undefined || !process.isAlive || process.isStopped) continue;
      const { state } = process;
      if (state !== null && state !== FIRST) held.set(id, state);
    }
    return held;
  }
}

/** A run as it is read from the store, which must be as it was written. */
function asRead(run: Run): Run {
  const read = runSchema.parse(JSON.parse(JSON.stringify(run)));
  assert(isDeepStrictEqual(read, run), 'a run is read as it was written');
  return read;
}

function describe(report: Report): string {
  const { trainer } = report;
  if (report.type === 'gone') return `${trainer} is gone: ${JSON.stringify(report.departure)}`;
  const { message } = report;
  const told =
    message.type === 'progress'
      ? { ...message, steps: message.steps.map(({ step }) => step) }
      : message;
  return `${trainer} → coordinator ${JSON.stringify(told)}`;
}
