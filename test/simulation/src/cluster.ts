import type { TrainerCommand } from '@ringmaster/protocol';
import { Coordinator, type Fleet, type RunLimits } from './coordinator.js';
import { Environment } from './environment.js';
import type { Trainer } from './trainer.js';
import type { Witness } from './witness.js';
import { Worker } from './worker.js';
import type { World } from './world.js';

const TICK_MS = 500;
/** Machines that workers are on in turn. */
const MACHINES = 2;

/** Everything of one simulated run. */
export class Cluster implements Fleet {
  readonly environment: Environment;
  readonly workers: Worker[] = [];
  readonly coordinator: Coordinator;
  /** How many trainers the scheduler gives slots to. */
  wanted: number;
  readonly #started = new Set<number>();
  #launched = 0;
  #joined = 0;

  constructor(seed: number, limits: RunLimits, records = false) {
    this.environment = new Environment(seed, limits.microbatches, records);
    this.coordinator = new Coordinator(this.environment, this, limits);
    this.wanted = limits.min;
    this.#tick();
  }

  get world(): World {
    return this.environment.world;
  }

  get witness(): Witness {
    return this.environment.witness;
  }

  worker(id: string): Worker | undefined {
    return this.workers.find((worker) => worker.id === id);
  }

  trainer(id: string): Trainer | undefined {
    for (const { trainers } of this.workers) {
      const trainer = trainers.get(id);
      if (trainer !== undefined) return trainer;
    }
    return undefined;
  }

  get trainers(): Trainer[] {
    return this.workers.flatMap(({ trainers }) => [...trainers.values()]);
  }

  /** A command that the coordinator has decided on. */
  told(command: TrainerCommand): void {
    const { witness, coordinator } = this;
    if (command.type === 'prepare' && !command.planned) {
      if (witness.unplanned.at(-1) !== command.generation)
        witness.unplanned.push(command.generation);
    }
    if (command.type !== 'start' || command.begin.at === 'switch') return;
    const { begin, generation } = command;
    const from = begin.at === 'specification' ? null : begin.position;
    // Told again, it says what was true once.
    if (this.#started.has(generation)) return;
    this.#started.add(generation);
    witness.starts(generation, from, coordinator.held());
  }

  #tick(): void {
    for (const worker of this.workers) worker.tick();
    this.coordinator.tick();
    this.#place();
    this.world.after(TICK_MS, () => {
      this.#tick();
    });
  }

  /** Gives slots to the run, on workers that appear when they are needed. */
  #place(): void {
    const { run, isUp, isOver } = this.coordinator;
    if (!isUp || isOver || run.leave !== null || run.state === 'paused') return;
    const staying = run.trainers.filter(({ released }) => released === null);
    const missing = this.wanted - staying.length;
    if (missing <= 0) return;
    const trainers = Array.from({ length: missing }, () => {
      const worker = new Worker(this.environment, this.coordinator, `w${++this.#joined}`);
      this.workers.push(worker);
      worker.connect();
      const place = [`m${this.#joined % MACHINES}`];
      return { id: `${worker.id}.t${++this.#launched}`, worker: worker.id, place };
    });
    this.coordinator.feed({ type: 'placed', trainers });
  }
}
