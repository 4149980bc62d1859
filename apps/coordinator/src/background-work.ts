/**
 * What goes on when nobody waits for it any more: requests whose clients are gone, processes that prepare data, files that
 * are being removed. Nothing of a home is written once `close` has settled.
 */
export class BackgroundWork {
  readonly #closing = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();

  /** Aborted by `close`: what is long ends at its next pause. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Has `close` wait for something, however that ends.
   * @returns `work`, whose failure is its owner's.
   */
  add<Result>(work: Promise<Result>): Promise<Result> {
    const ended: Promise<unknown> = Promise.allSettled([work]).then(() =>
      this.#pending.delete(ended),
    );
    this.#pending.add(ended);
    return work;
  }

  /** Asks what is long to end, and settles when nothing is left, nor anything that was begun meanwhile. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}
