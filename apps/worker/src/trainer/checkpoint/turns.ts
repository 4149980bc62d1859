/**
 * Checkpoints one at a time: while one is being written there is no second, as each may need a copy of the state.
 */
export class CheckpointTurns {
  readonly #write: (generation: number) => Promise<void>;
  #writing: Promise<void> | null = null;

  /** @param write Writes a checkpoint of the present state; it never rejects, and has taken the state as it is before it returns. */
  constructor(write: (generation: number) => Promise<void>) {
    this.#write = write;
  }

  /** Begins one, unless one is being written. @returns whether it did */
  offer(generation: number): boolean {
    if (this.#writing !== null) return false;
    void this.#begin(generation);
    return true;
  }

  /** Waits its turn and writes one; resolves when it is written. */
  async take(generation: number): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    await this.#begin(generation);
  }

  /** Resolves when none is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #begin(generation: number): Promise<void> {
    this.#writing = this.#write(generation).finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }
}
