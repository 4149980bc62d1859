import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { neutralEnvironment } from '@ringmaster/base';
import { isAbandoned, temporaryName } from '@ringmaster/data';
import type { WorkerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { LeaseLocation } from './lease-client.js';
import { taskMessageSchema, type TaskCommand } from './messages.js';

export interface TasksOptions {
  /** Path of the program that does tasks. */
  readonly program: string;
  /** Directory of fetched artifacts, under which tasks have theirs. */
  readonly cache: string;
  readonly send: (message: Extract<WorkerMessage, { type: 'task-failed' }>) => void;
  readonly log: Logger;
}

/** How long a process waits for the next task before it ends. */
const IDLE_MS = 30_000;

/**
 * Tasks of data preparation that a worker was lent. They are done by one process, which is started for the first and ended
 * with the worker, or when there are none: whatever becomes of it, trainers and heartbeats go on.
 */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #leases = new Set<string>();
  readonly #root: string;
  #process: { readonly child: ChildProcess; readonly gone: Promise<void> } | null = null;
  #idle: NodeJS.Timeout | null = null;

  constructor(options: TasksOptions) {
    this.#options = options;
    this.#root = join(options.cache, 'tasks');
  }

  /** Does the task of a lease; an answer is sent to the API, and nothing else is told then. */
  begin(lease: string, { url, token, fingerprint }: LeaseLocation): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#leases.add(lease);
    this.#tell({ type: 'do', lease, location: { url, token, fingerprint } });
  }

  withdraw(lease: string): void {
    if (!this.#leases.delete(lease)) return;
    this.#tell({ type: 'withdraw', lease });
    this.#rest();
  }

  withdrawAll(): void {
    for (const lease of [...this.#leases]) this.withdraw(lease);
  }

  /** Ends the process, and with it all tasks, of which nothing is told. What is begun meanwhile has another. */
  async end(): Promise<void> {
    this.#leases.clear();
    if (this.#idle !== null) clearTimeout(this.#idle);
    const ended = this.#process;
    this.#process = null;
    ended?.child.kill('SIGKILL');
    await ended?.gone;
  }

  #tell(command: TaskCommand): void {
    this.#process ??= this.#start();
    const { child } = this.#process;
    if (child.connected) child.send(command, () => undefined);
  }

  #start() {
    const directory = join(this.#root, temporaryName());
    void this.#sweep();
    const child = fork(this.#options.program, [directory], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A session of its own: Ctrl-C in a terminal is for the worker.
      detached: true,
      env: neutralEnvironment(),
    });
    child.on('message', (message) => {
      const { lease, reason } = taskMessageSchema.parse(message);
      if (!this.#leases.delete(lease)) return;
      if (reason !== null) this.#fail(lease, reason);
      this.#rest();
    });
    const started = { child, gone: this.#untilGone(child, directory) };
    return started;
  }

  async #untilGone(child: ChildProcess, directory: string): Promise<void> {
    const how = await Promise.race([once(child, 'exit'), once(child, 'error')]).then(
      ([what, signal]: unknown[]) =>
        what instanceof Error
          ? what.message
          : `exit code ${String(what)}, signal ${String(signal)}`,
      (error: unknown) => String(error),
    );
    if (this.#process?.child === child) {
      this.#process = null;
      const held = [...this.#leases];
      this.#leases.clear();
      for (const lease of held) this.#fail(lease, `the process that does tasks ended: ${how}`);
    }
    await rm(directory, { recursive: true, force: true });
  }

  #fail(lease: string, reason: string): void {
    this.#options.log.warn({ lease, reason }, 'a task of data preparation is not done');
    this.#options.send({ type: 'task-failed', lease, reason });
  }

  #rest(): void {
    if (this.#leases.size > 0) return;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      void this.end();
    }, IDLE_MS);
    this.#idle.unref();
  }

  /** Removes what processes that are gone have left. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#root).catch(() => [])) {
      const path = join(this.#root, name);
      if (await isAbandoned(name, path)) await rm(path, { recursive: true, force: true });
    }
  }
}
