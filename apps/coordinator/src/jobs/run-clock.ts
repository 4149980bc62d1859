/**
 * The clock of one run, in milliseconds: it never goes back, goes on where it was when the run is read from the store,
 * and can be held, so that no deadline passes while reports cannot come.
 */
export class RunClock {
  readonly #clock: () => number;
  #at: number;
  #since: number | null;

  /** @param at What it shows. */
  constructor(clock: () => number, at: number, isHeld: boolean) {
    this.#clock = clock;
    this.#at = at;
    this.#since = isHeld ? null : clock();
  }

  get isHeld(): boolean {
    return this.#since === null;
  }

  now(): number {
    return this.#since === null ? this.#at : this.#at + this.#clock() - this.#since;
  }

  release(): void {
    this.#since ??= this.#clock();
  }
}
