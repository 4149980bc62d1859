import { CheckpointTurns, type Checkpoints as Port } from '@ringmaster/worker/generations';
import type { Process } from './process.js';
import { positionOf } from './state.js';

/** Checkpoints that take simulated time. */
export class Checkpoints implements Port {
  readonly #process: Process;
  readonly #turns = new CheckpointTurns((generation) => this.#write(generation));

  constructor(process: Process) {
    this.#process = process;
  }

  write(generation: number): void {
    this.#turns.offer(generation);
  }

  save(generation: number): Promise<void> {
    return this.#turns.take(generation);
  }

  settled(): Promise<void> {
    return this.#turns.settled();
  }

  async #write(generation: number): Promise<void> {
    const { present, environment } = this.#process;
    await this.#process.pause(environment.world.dice.between(5, 90));
    const manifest = environment.keep(present);
    const position = positionOf(present);
    this.#process.send({ type: 'checkpointed', generation, position, manifest, seconds: 0.1 });
  }
}
