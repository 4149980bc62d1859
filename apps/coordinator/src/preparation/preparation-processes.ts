import type { BackgroundWork } from '../background-work.js';
import { PreparationProcess } from './preparation-process.js';

/** How long nothing is to be prepared before a process waits for what is. */
const WARM_AFTER_MS = 2000;

/** Starts the processes that prepare data, and keeps one that waits to be the next. */
export class PreparationProcesses {
  readonly #background: BackgroundWork;
  readonly #isIdle: () => boolean;
  /** Has loaded everything: data that were prepared before are found without waiting for that. */
  #spare: PreparationProcess | null = null;
  #warming: NodeJS.Timeout | null = null;

  /** @param isIdle Whether no data are being prepared. */
  constructor(background: BackgroundWork, isIdle: () => boolean) {
    this.#background = background;
    this.#isIdle = isIdle;
    background.signal.addEventListener('abort', () => {
      if (this.#warming !== null) clearTimeout(this.#warming);
      this.#spare?.kill();
    });
  }

  /** A process that has nothing to do with any before it. */
  start(): PreparationProcess {
    const started = new PreparationProcess();
    // One that is ended writes until it is gone.
    void this.#background.add(started.gone);
    return started;
  }

  /** The process that waits, or a fresh one. */
  take(): PreparationProcess {
    const taken = this.#spare?.isReady === true ? this.#spare : this.start();
    this.#spare = null;
    return taken;
  }

  /** Has a process that stays be the next one, or ends it where one waits already. */
  takeBack(child: PreparationProcess): void {
    child.release();
    if (this.#spare === null && !this.#background.signal.aborted) this.#keep(child);
    else child.kill();
  }

  /** Has a process wait for what is to be prepared next, unless one does or data are being prepared. */
  warm(): void {
    if (this.#spare !== null || !this.#isIdle() || this.#background.signal.aborted) return;
    this.#keep(this.start());
  }

  /** Does so in a while: what comes and goes at once has none. */
  warmSoon(): void {
    if (this.#background.signal.aborted) return;
    if (this.#warming !== null) clearTimeout(this.#warming);
    this.#warming = setTimeout(() => {
      this.warm();
    }, WARM_AFTER_MS);
  }

  #keep(spare: PreparationProcess): void {
    this.#spare = spare;
    void spare.gone.then(() => {
      if (this.#spare === spare) this.#spare = null;
    });
  }
}
