import type { TrainerCommand } from '@ringmaster/protocol';
import { Coordinator } from './coordinator.js';
import { Ring } from './ring.js';
import { FIRST, positionOf, type State } from './state.js';
import type { Trainer } from './trainer.js';
import { Witness } from './witness.js';
import { Worker } from './worker.js';
import { World } from './world.js';

const TICK_MS = 500;
/** Machines that workers are on in turn. */
const MACHINES = 2;

/** Everything of one simulated run. */
export class Cluster {
  readonly world: World;
  readonly witness = new Witness();
  readonly workers: Worker[] = [];
  readonly coordinator: Coordinator;
  /** How many trainers the scheduler gives slots to. */
  wanted: number;
  readonly #rings = new Map<number, Ring>();
  readonly #checkpoints = new Map<string, State>();
  readonly #started = new Set<number>();
  #launched = 0;
  #joined = 0;

  constructor(seed: number, limits: { min: number; max: number }, records = false) {
    this.world = new World(seed, records);
    this.coordinator = new Coordinator(this, limits);
    this.wanted = limits.min;
    this.#tick();
  }

  ringOf(generation: number, size: number): Ring {
    const ring =
      this.#rings.get(generation) ?? new Ring(this.world, this.witness, generation, size);
    this.#rings.set(generation, ring);
    return ring;
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

  /** The state that is offered at an address now, or null. */
  offerAt(address: string): State | null {
    const [trainer = '', generation] = address.split('/');
    return this.trainer(trainer)?.offerOf(Number(generation)) ?? null;
  }

  get trainers(): Trainer[] {
    return this.workers.flatMap(({ trainers }) => [...trainers.values()]);
  }

  keep(state: State): string {
    const { stateHash } = positionOf(state);
    this.#checkpoints.set(stateHash, state);
    return stateHash;
  }

  checkpoint(manifest: string): State {
    return this.#checkpoints.get(manifest) ?? FIRST;
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
      const worker = new Worker(this, `w${++this.#joined}`);
      this.workers.push(worker);
      worker.connect();
      const place = [`m${this.#joined % MACHINES}`];
      return { id: `${worker.id}.t${++this.#launched}`, worker: worker.id, place };
    });
    this.coordinator.feed({ type: 'placed', trainers });
  }
}
