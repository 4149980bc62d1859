/**
 * Lets long work be done in pieces, of which one is done each time around the event loop, whoever's it is: requests,
 * messages of workers and deadlines are served in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Settles when it is this piece's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#serve);
    });
  }

  readonly #serve = () => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#serve);
  };
}
