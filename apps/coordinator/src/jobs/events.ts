import type { JobEvent } from '@ringmaster/protocol';

type Listener = (event: JobEvent) => void;

/** Subscriptions to the events of jobs. */
export class JobEvents {
  readonly #listeners = new Map<string, Set<Listener>>();

  /** @returns A function that ends the subscription. */
  subscribe(job: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(job) ?? new Set();
    this.#listeners.set(job, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(job);
    };
  }

  isFollowed(job: string): boolean {
    return this.#listeners.has(job);
  }

  /** Jobs that somebody listens to. */
  followed(): string[] {
    return [...this.#listeners.keys()];
  }

  publish(job: string, event: JobEvent): void {
    for (const listener of this.#listeners.get(job) ?? []) listener(event);
  }
}
