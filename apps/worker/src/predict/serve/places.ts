import { RingmasterError } from '@ringmaster/protocol';

/** Lets a few requests be worked on at once, has some more wait in their order, and refuses the rest. */
export class Places {
  readonly #atOnce: number;
  readonly #most: number;
  #taken = 0;
  #closed = false;
  readonly #waiting = new Set<{
    readonly take: () => void;
    readonly refuse: (error: Error) => void;
  }>();

  /**
   * @param atOnce Requests that are worked on at once.
   * @param most Requests that may wait.
   */
  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce;
    this.#most = most;
  }

  /**
   * Settles when there is a place, which the result gives back.
   * @param signal Takes the request out of the line.
   * @throws SERVER_BUSY, SERVER_STOPPING; the reason of the signal
   */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.#closed) throw new RingmasterError('SERVER_STOPPING', {});
    signal.throwIfAborted();
    if (this.#taken < this.#atOnce) this.#taken++;
    else await this.#wait(signal);
    let isHeld = true;
    return () => {
      if (isHeld) this.#giveBack();
      isHeld = false;
    };
  }

  /** Refuses whoever waits, and whoever comes. */
  close(): void {
    this.#closed = true;
    for (const each of this.#waiting) each.refuse(new RingmasterError('SERVER_STOPPING', {}));
    this.#waiting.clear();
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#most)
      throw new RingmasterError('SERVER_BUSY', { waiting: this.#waiting.size });
    await new Promise<void>((take, refuse) => {
      const entry = { take, refuse };
      this.#waiting.add(entry);
      signal.addEventListener('abort', () => {
        if (this.#waiting.delete(entry)) refuse(signal.reason as Error);
      });
    });
  }

  /** The place goes to whoever has waited longest. */
  #giveBack(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(first);
    first.take();
  }
}
