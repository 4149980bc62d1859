import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { neutralEnvironment } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import type { BackgroundWork } from '../background-work.js';
import {
  preparationMessageSchema,
  type PreparationMessage,
  type PreparationRequest,
} from './messages.js';

const PROGRAM = fileURLToPath(new URL('./preparation.process.js', import.meta.url));
const STDERR_KEPT = 2000;
/** How long nothing is to be prepared before a process waits for what is. */
const WARM_AFTER_MS = 2000;

/** The one process that prepares data, if any, and the one that waits to be the next. */
export class Preparation {
  readonly #background: BackgroundWork;
  #current: { readonly job: string; readonly child: ChildProcess } | null = null;
  /** Has loaded everything: data that were prepared before are found without waiting for that. */
  #spare: ChildProcess | null = null;
  #warming: NodeJS.Timeout | null = null;

  constructor(background: BackgroundWork) {
    this.#background = background;
    background.signal.addEventListener('abort', () => {
      if (this.#warming !== null) clearTimeout(this.#warming);
      this.#spare?.kill('SIGKILL');
    });
  }

  /** Job whose data is being prepared. */
  get job(): string | null {
    return this.#current?.job ?? null;
  }

  /** Has a process wait for what is to be prepared next, unless one does or data are being prepared. */
  warm(): void {
    if (this.#spare !== null || this.#current !== null || this.#background.signal.aborted) return;
    const child = this.#fork();
    this.#spare = child;
    const forget = () => {
      if (this.#spare === child) this.#spare = null;
    };
    child.once('exit', forget).once('error', forget);
  }

  /** Does so in a while: what comes and goes at once has none. */
  warmSoon(): void {
    if (this.#background.signal.aborted) return;
    if (this.#warming !== null) clearTimeout(this.#warming);
    this.#warming = setTimeout(() => {
      this.warm();
    }, WARM_AFTER_MS);
  }

  /** Prepares the data of a job; the last message is `done` or `failed`, unless it is stopped. */
  start(
    job: string,
    request: PreparationRequest,
    onMessage: (message: PreparationMessage) => void,
  ): void {
    const child = this.#spare?.connected === true ? this.#spare : this.#fork();
    this.#spare = null;
    const current = { job, child };
    this.#current = current;
    let settled = false;
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    const hear = (message: PreparationMessage) => {
      if (this.#current !== current) return;
      if (message.type !== 'progress') {
        settled = true;
        this.#current = null;
      }
      onMessage(message);
      if (settled) this.warmSoon();
    };
    const died = (how: string) => {
      if (settled) return;
      const reason = [how, stderr.trim().split('\n').at(-1)].filter(Boolean).join(': ');
      const error = new RingmasterError('PREPARATION_DIED', { id: job, reason }).toBody();
      hear({ type: 'failed', error });
    };
    child.on('message', (message) => {
      hear(preparationMessageSchema.parse(message));
    });
    child.on('error', (error) => {
      died(error.message);
    });
    child.on('exit', (code, signal) => {
      died(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`);
    });
    child.send(request);
  }

  /** Ends the preparation of this job. What it has half written is never taken for whole. */
  stop(job: string): void {
    if (this.#current?.job !== job) return;
    const { child } = this.#current;
    this.#current = null;
    child.kill('SIGKILL');
    this.warmSoon();
  }

  #fork(): ChildProcess {
    const child = fork(PROGRAM, [String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: neutralEnvironment(),
    });
    // One that is ended writes until it is gone.
    void this.#background.add(goneOf(child));
    return child;
  }
}

/** Resolves when a process is no more; one that could not be started never was. */
function goneOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      if (child.pid === undefined) resolve();
    });
  });
}
