import type { Checkpoints as Port } from '@ringmaster/worker/generations';
import type { Process } from './process.js';
import { positionOf } from './state.js';

/** Checkpoints that take simulated time: never more than one at once. */
export class Checkpoints implements Port {
  readonly #process: Process;
  #writing: Promise<void> | null = null;

  constructor(process: Process) {
    this.#process = process;
  }

  reserve(): void {
    // A modelled state needs no room.
  }

  write(generation: number): void {
    if (this.#writing === null) void this.#begin(generation);
  }

  async save(generation: number): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    await this.#begin(generation);
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  #begin(generation: number): Promise<void> {
    this.#writing = this.#write(generation).finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #write(generation: number): Promise<void> {
    const { present, cluster } = this.#process;
    await this.#process.pause(cluster.world.dice.between(5, 90));
    const manifest = cluster.keep(present);
    const position = positionOf(present);
    this.#process.send({ type: 'checkpointed', generation, position, manifest, seconds: 0.1 });
  }
}
