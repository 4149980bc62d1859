import type { PreparationPhase, PreparationProgress } from '@ringmaster/protocol';

/** What there is to do in a phase, as far as it is known. */
interface Work {
  readonly documents?: number;
  readonly bytes?: number;
}

const WINDOW_MS = 60_000;

/** Tells a listener about phases, and how far each has come whenever something of it is done. */
export class Progress {
  readonly #listener: (progress: PreparationProgress) => void;
  readonly #clock: () => number;
  #phase: PreparationPhase = 'hash';
  #work: Work = {};
  #documents = 0;
  #bytes = 0;
  /** Bytes that were done at times of the last minute, oldest first. */
  #marks: { readonly at: number; readonly bytes: number }[] = [];

  /** @param clock Milliseconds of a clock that never goes back. */
  constructor(
    listener: (progress: PreparationProgress) => void,
    clock: () => number = () => performance.now(),
  ) {
    this.#listener = listener;
    this.#clock = clock;
  }

  phase(phase: PreparationPhase, work: Work = {}): void {
    this.#phase = phase;
    this.#work = work;
    this.#documents = 0;
    this.#bytes = 0;
    this.#marks = [{ at: this.#clock(), bytes: 0 }];
    this.#tell();
  }

  /** More is to be done in the phase than was known. */
  expect(bytes: number): void {
    this.#work = { ...this.#work, bytes: (this.#work.bytes ?? 0) + bytes };
    this.#tell();
  }

  /** Something of the phase is done. */
  advance(documents: number, bytes: number): void {
    this.#documents += documents;
    this.#bytes += bytes;
    const at = this.#clock();
    this.#marks.push({ at, bytes: this.#bytes });
    // Of those that are older than the window the newest is where it begins.
    while ((this.#marks[1]?.at ?? Infinity) <= at - WINDOW_MS) this.#marks.shift();
    this.#tell();
  }

  #tell(): void {
    const { documents, bytes } = this.#work;
    const bytesPerSecond = bytes === undefined ? null : this.#rate();
    this.#listener({
      phase: this.#phase,
      done: this.#documents,
      total: documents ?? null,
      bytes: bytes === undefined ? null : { done: this.#bytes, total: bytes },
      bytesPerSecond,
      secondsLeft:
        bytes === undefined || bytesPerSecond === null
          ? null
          : (bytes - this.#bytes) / bytesPerSecond,
    });
  }

  #rate(): number | null {
    const [first] = this.#marks;
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined) return null;
    const bytes = last.bytes - first.bytes;
    return bytes === 0 || last.at === first.at ? null : (1000 * bytes) / (last.at - first.at);
  }
}
