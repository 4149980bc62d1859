import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { neutralEnvironment } from '@ringmaster/base';
import {
  preparationMessageSchema,
  type PreparationCommand,
  type PreparationMessage,
} from './messages.js';

const PROGRAM = fileURLToPath(new URL('./preparation.process.js', import.meta.url));
const STDERR_KEPT = 2000;

/** Who hears of a process that prepares data. */
export interface PreparationListener {
  readonly onMessage: (message: PreparationMessage) => void;
  /** It has ended, or could not be started. @param how In words */
  readonly onGone: (how: string) => void;
}

/** A process that prepares the data of one job at a time. It loads everything, and is then told what to prepare. */
export class PreparationProcess {
  /** Resolves when the process is no more; one that could not be started never was. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  #stderr = '';
  /** Who hears of it while it prepares. */
  #listener: PreparationListener | null = null;

  constructor() {
    this.#child = fork(PROGRAM, [String(process.pid)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: neutralEnvironment(),
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    this.#child.on('message', (message) => {
      this.#listener?.onMessage(preparationMessageSchema.parse(message));
    });
    this.#child.on('error', (error) => {
      this.#died(error.message);
    });
    this.#child.on('exit', (code, signal) => {
      this.#died(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`);
    });
    this.gone = goneOf(this.#child);
  }

  /** Whether it can be told what to prepare. */
  get isReady(): boolean {
    return this.#child.connected && this.#listener === null;
  }

  begin(first: PreparationCommand, listener: PreparationListener): void {
    this.#listener = listener;
    this.tell(first);
  }

  /** Nobody hears of it any more; it can be told what to prepare next, if it stays. */
  release(): void {
    this.#listener = null;
  }

  #died(how: string): void {
    this.#listener?.onGone(
      [how, this.#stderr.trim().split('\n').at(-1)].filter(Boolean).join(': '),
    );
  }

  /** Sends over the child's channel. A channel that is closed belongs to a process whose end is about to be told. */
  tell(command: PreparationCommand): void {
    if (this.#child.connected) this.#child.send(command, () => undefined);
  }

  /** What it has half written is never taken for whole. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

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
