/** What preparation is doing. */
export type Phase = 'hash' | 'read' | 'duplicates' | 'tokenizer' | 'encode';

export interface PrepareProgress {
  readonly phase: Phase;
  /** Documents of the phase that are done. */
  readonly done: number;
  /** Documents in all; null while that is not known. */
  readonly total: number | null;
}

const EVERY = 500;

/** Tells a listener about phases, and about every 500 documents within one. */
export class Progress {
  readonly #listener: (progress: PrepareProgress) => void;
  #phase: Phase = 'hash';
  #total: number | null = null;
  /** Documents that were told last. */
  #told = 0;

  constructor(listener: (progress: PrepareProgress) => void) {
    this.#listener = listener;
  }

  phase(phase: Phase, total: number | null = null): void {
    this.#phase = phase;
    this.#total = total;
    this.#tell(0);
  }

  advance(done: number): void {
    if (done - this.#told >= EVERY || done === this.#total) this.#tell(done);
  }

  #tell(done: number): void {
    this.#told = done;
    this.#listener({ phase: this.#phase, done, total: this.#total });
  }
}
