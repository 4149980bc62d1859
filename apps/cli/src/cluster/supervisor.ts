import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { notifyServiceManager, type Home } from '@ringmaster/base';
import { RingmasterError, type Membership } from '@ringmaster/protocol';
import { z } from 'zod';
import { RemoteFailure } from '../failure.js';
import { note } from '../output.js';
import { programPath } from '../program.js';
import { workerArguments } from '../worker-options.js';
import { failureSchema, MEMBER, type MemberOptions } from './member.js';
import { readRecords, writeRecords } from './records.js';

/** Pause before a worker is started again that was killed. */
const AGAIN_MS = 1000;

type Leave = 'in order' | 'at once';

const toldSchema = z.union([z.object({ registered: z.string() }), failureSchema]);

/** How a worker ended. */
interface Ended {
  /** What the process told of its end, if it did not end as it was asked to. */
  readonly error: Error | null;
}

/** How a process is asked to leave: aborted once when it is. */
export interface Leaving {
  /** As soon as jobs can do without its workers. */
  readonly inOrder: AbortSignal;
  readonly atOnce: AbortSignal;
}

/**
 * Runs the workers of a machine that has joined, and stays until all of them have ended: because the cluster ends, they are
 * asked to leave, or the coordinator wants them no more. One that is killed is started again.
 * @throws what the coordinator refuses a worker with; COORDINATOR_UNREACHABLE; START_FAILED
 */
export async function superviseWorkers(
  home: Home,
  membership: Membership,
  options: MemberOptions,
  leaving: Leaving,
): Promise<void> {
  const workers = Array.from(
    { length: options.workers },
    (_, index) => new SupervisedWorker(home, index + 1, options),
  );
  const whenAborted = (signal: AbortSignal, how: Leave) => {
    signal.addEventListener('abort', () => {
      for (const worker of workers) worker.leave(how);
    });
  };
  whenAborted(leaving.inOrder, 'in order');
  whenAborted(leaving.atOnce, 'at once');
  void Promise.all(workers.map(({ registered }) => registered)).then(() => {
    note(`Joined ${membership.url} (cluster ${membership.cluster}).`);
    notifyServiceManager('ready');
    if (process.connected) process.send?.({ ready: true });
  });
  const ended = await Promise.all(workers.map((worker) => worker.run()));
  rmSync(home.membership, { force: true });
  writeRecords(
    home,
    readRecords(home).filter(({ name }) => name !== MEMBER),
  );
  const failure = ended.find(({ error }) => error !== null)?.error ?? null;
  if (failure !== null) throw failure;
}

/** A worker of this machine, in as many processes one after another as it takes. */
class SupervisedWorker {
  /** Settles when the coordinator has taken it in for the first time. */
  readonly registered: Promise<void>;
  readonly #home: Home;
  readonly #number: number;
  readonly #options: MemberOptions;
  #taken: () => void = () => undefined;
  #child: ChildProcess | null = null;
  #asked: Leave | null = null;

  /** @param number From 1 on, among the workers of this machine. */
  constructor(home: Home, number: number, options: MemberOptions) {
    this.#home = home;
    this.#number = number;
    this.#options = options;
    this.registered = new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  /** Asks it to leave. */
  leave(how: Leave): void {
    this.#asked = how;
    this.#tell();
  }

  /** Runs it to its end. */
  async run(): Promise<Ended> {
    for (;;) {
      const { code, signal, wasIn, error } = await this.#runOnce();
      if (error !== null) return { error };
      if (code === 0 || this.#isAsked()) return { error: null };
      const reason = `it ended with ${signal ?? `exit code ${code ?? 0}`}`;
      if (!wasIn) {
        const log = this.#options.printLogs === true ? 'what it has printed' : this.#log;
        const detail = { process: this.#name, reason, log };
        return { error: new RingmasterError('START_FAILED', detail) };
      }
      note(`${this.#name}: ${reason}; it is started again.`);
      await sleep(AGAIN_MS);
      if (this.#isAsked()) return { error: null };
    }
  }

  #isAsked(): boolean {
    return this.#asked !== null;
  }

  get #name(): string {
    return `worker-${this.#number}`;
  }

  get #log(): string {
    return join(this.#home.logs, `${this.#name}.log`);
  }

  #tell(): void {
    if (this.#asked === null || this.#child?.connected !== true) return;
    this.#child.send({ leave: this.#asked });
  }

  async #runOnce() {
    let wasIn = false;
    let error: Error | null = null;
    const log = this.#options.printLogs === true ? null : openSync(this.#log, 'a');
    // In a process group of its own: what a terminal sends to ours is for us to pass on.
    const child = spawn(process.execPath, this.#arguments(), {
      cwd: this.#home.root,
      detached: true,
      stdio: ['ignore', log ?? 'inherit', log ?? 'inherit', 'ipc'],
      // A service manager is told of this process, and by it.
      env: { ...process.env, NOTIFY_SOCKET: undefined },
    });
    if (log !== null) closeSync(log);
    this.#child = child;
    child.on('message', (message) => {
      const told = toldSchema.parse(message);
      if ('error' in told) error = new RemoteFailure(told.error);
      else {
        wasIn = true;
        this.#taken();
      }
    });
    this.#tell();
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (...ending) => {
          resolve(ending);
        });
      },
    );
    return { code, signal, wasIn, error: error as Error | null };
  }

  #arguments(): string[] {
    return [
      programPath('@ringmaster/worker/dist/main.js'),
      '--home',
      this.#home.root,
      '--joined',
      '--name',
      this.#name,
      ...workerArguments(this.#options, this.#number),
    ];
  }
}
