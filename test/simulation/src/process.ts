import type { TrainerMessage } from '@ringmaster/protocol';
import type { Environment } from './environment.js';
import type { State } from './state.js';
import { assert } from './witness.js';

/** A trainer's process and what it holds in memory: it can be stopped, continued and killed at any time. */
export class Process {
  readonly id: string;
  readonly environment: Environment;
  readonly #tell: (message: TrainerMessage) => void;
  readonly #held: (() => void)[] = [];
  state: State | null = null;
  isAlive = true;
  isStopped = false;

  constructor(environment: Environment, id: string, tell: (message: TrainerMessage) => void) {
    this.environment = environment;
    this.id = id;
    this.#tell = tell;
  }

  /** Has the process do something in a while, if it lives then; while it is stopped it does nothing. */
  later(delayMs: number, work: () => void): void {
    this.environment.world.after(delayMs, () => {
      if (!this.isAlive) return;
      if (this.isStopped) this.#held.push(work);
      else work();
    });
  }

  /** Resolves after a while, if it lives then. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.later(delayMs, resolve);
    });
  }

  resume(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    for (const work of this.#held.splice(0)) this.later(0, work);
  }

  send(message: TrainerMessage): void {
    this.environment.witness.said(this.id, message);
    this.#tell(message);
  }

  /** The state, where there must be one. */
  get present(): State {
    assert(this.state !== null, `${this.id} has no state`);
    return this.state;
  }
}
