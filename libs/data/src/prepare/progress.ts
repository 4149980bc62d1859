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

/** Tells a listener about phases, and about every 500th document within one. */
export class Progress {
  readonly #listener: (progress: PrepareProgress) => void;
  #phase: Phase = 'hash';
  #total: number | null = null;

  constructor(listener: (progress: PrepareProgress) => void) {
    this.#listener = listener;
  }

  phase(phase: Phase, total: number | null = null): void {
    this.#phase = phase;
    this.#total = total;
    this.advance(0);
  }

  advance(done: number): void {
    if (done % EVERY === 0 || done === this.#total)
      this.#listener({ phase: this.#phase, done, total: this.#total });
  }
}
