import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Garbage } from './artifacts/garbage.js';
import type { PreparedData } from './artifacts/prepared-data.js';
import type { BackgroundWork } from './background-work.js';
import { trimLogs } from './jobs/trim-log.js';
import type { Store } from './store/store.js';

const SWEEP_MS = 60 * 60_000;
const TIDY_MS = 60_000;
/** Rows of a curve that are deleted, and pages that are given back, without a pause: a few milliseconds. */
const ROWS = 2000;
const PAGES = 256;

export interface HousekeepingOptions {
  readonly store: Store;
  readonly garbage: Garbage;
  readonly prepared: PreparedData;
  /** Directory of the logs of the coordinator and of workers. */
  readonly logDirectory: string;
  readonly background: BackgroundWork;
  readonly log: Logger;
}

/** Gives room back, a little at a time, beside everything else: nothing that it removes is of use to anybody. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  #work: Promise<void> = Promise.resolve();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** Begins; ends with the rest of the background work, at the next pause. */
  start(): void {
    const sweep = () => {
      this.#enqueue(() => this.#sweep());
    };
    const tidy = () => {
      this.#enqueue(() => this.#tidy());
    };
    const timers = [setInterval(sweep, SWEEP_MS), setInterval(tidy, TIDY_MS)];
    this.#options.background.signal.addEventListener('abort', () => {
      for (const timer of timers) clearInterval(timer);
    });
    sweep();
  }

  /** Deletes what is left of removed jobs, once whatever is being done now is done. */
  soon(): void {
    this.#enqueue(() => this.#shrink());
  }

  #enqueue(work: () => Promise<void>): void {
    const { background, log } = this.#options;
    this.#work = this.#work.then(async () => {
      if (background.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        log.error({ err: error }, 'housekeeping failed; it is tried again');
      }
    });
    void background.add(this.#work);
  }

  async #sweep(): Promise<void> {
    const { garbage, prepared, log } = this.#options;
    prepared.tidy(Date.now());
    const removed = await garbage.sweep(Date.now());
    log.info({ ...removed }, 'unreferenced blobs removed');
    await this.#shrink();
  }

  async #tidy(): Promise<void> {
    const { garbage, logDirectory } = this.#options;
    garbage.retry();
    await trimLogs(logDirectory);
  }

  async #shrink(): Promise<void> {
    const { store, background } = this.#options;
    const { signal } = background;
    const proceed = () => store.transaction(() => store.removals.proceed(ROWS));
    while (!signal.aborted && proceed()) await breathe();
    while (!signal.aborted && store.shrink(PAGES)) await breathe();
  }
}
