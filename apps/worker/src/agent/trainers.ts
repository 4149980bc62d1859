import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { trainerEnvironment, type Device } from '@ringmaster/model';
import {
  trainerMessageSchema,
  type Launch,
  type TrainerCommand,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { LogLines } from './log-lines.js';

export interface TrainersOptions {
  /** Path of the trainer's program. */
  readonly program: string;
  /** Devices, one for each slot. */
  readonly devices: readonly Device[];
  /** Directory of fetched artifacts. */
  readonly cache: string;
  readonly send: (message: WorkerMessage) => void;
  readonly log: Logger;
}

/** First message to a trainer process. Every later one is a `TrainerCommand`. */
export interface TrainerLaunch {
  readonly type: 'launch';
  readonly launch: Launch;
  readonly artifacts: ArtifactsLocation;
  readonly cache: string;
}

interface Trainer {
  readonly launch: Launch;
  readonly child: ChildProcess;
  readonly slot: number;
  readonly lines: LogLines;
  readonly exited: Promise<void>;
}

/** How long a trainer may take to end by itself. */
const GRACE_MS = 3000;
/** How long the last lines of a dead process may take to be read; a grandchild may hold its pipes open. */
const LAST_LINES_MS = 500;

/** The trainer processes of one worker. */
export class Trainers {
  readonly #options: TrainersOptions;
  readonly #trainers = new Map<string, Trainer>();

  constructor(options: TrainersOptions) {
    this.#options = options;
  }

  /** The trainers that live, as a registration lists them. */
  held(): { trainer: string; job: string; pid: number }[] {
    return [...this.#trainers].flatMap(([trainer, { launch, child }]) =>
      child.pid === undefined ? [] : [{ trainer, job: launch.job, pid: child.pid }],
    );
  }

  /** Starts a trainer; one that is told twice to start is started once. */
  launch(launch: Launch, artifacts: ArtifactsLocation): void {
    if (this.#trainers.has(launch.trainer)) return;
    const slot = this.#freeSlot();
    const child = fork(this.#options.program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: trainerEnvironment({
        threads: launch.spec.workers.threads,
        device: this.#options.devices[slot] ?? { kind: 'cpu' },
      }),
    });
    const { trainer, job } = launch;
    const lines = new LogLines((batch) => {
      this.#options.send({ type: 'log', trainer, job, lines: batch });
    });
    if (child.stdout !== null) lines.read(child.stdout, 'stdout');
    if (child.stderr !== null) lines.read(child.stderr, 'stderr');
    const exited = this.#watch(trainer, child, lines);
    this.#trainers.set(trainer, { launch, child, slot, lines, exited });
    child.on('message', (message) => {
      this.#relay(trainer, message);
    });
    if (child.pid === undefined) return;
    this.#options.log.info({ trainer, job, pid: child.pid }, 'trainer started');
    this.#options.send({ type: 'trainer-started', trainer, pid: child.pid });
    const first: TrainerLaunch = {
      type: 'launch',
      launch,
      artifacts,
      cache: this.#options.cache,
    };
    this.#tell(child, first);
  }

  command(trainer: string, command: TrainerCommand): void {
    const held = this.#trainers.get(trainer);
    if (held !== undefined) this.#tell(held.child, command);
  }

  /** Ends a trainer: SIGTERM, and SIGKILL after three seconds. */
  async end(trainer: string): Promise<void> {
    const held = this.#trainers.get(trainer);
    if (held === undefined) return;
    held.child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#options.log.warn({ trainer }, 'trainer did not end in time and is killed');
      held.child.kill('SIGKILL');
    }, GRACE_MS);
    await held.exited;
    clearTimeout(timer);
  }

  /** Ends every trainer. */
  async bury(): Promise<void> {
    await Promise.all([...this.#trainers.keys()].map((trainer) => this.end(trainer)));
  }

  #freeSlot(): number {
    const taken = new Set([...this.#trainers.values()].map(({ slot }) => slot));
    const free = this.#options.devices.findIndex((_, slot) => !taken.has(slot));
    return free === -1 ? 0 : free;
  }

  /** Sends over the child's channel. A channel that is closed belongs to a process whose end is about to be told. */
  #tell(child: ChildProcess, message: TrainerLaunch | TrainerCommand): void {
    if (child.connected) child.send(message, () => undefined);
  }

  #relay(trainer: string, message: unknown): void {
    const parsed = trainerMessageSchema.safeParse(message);
    if (parsed.success) {
      this.#options.send({ type: 'trainer-message', trainer, message: parsed.data });
      return;
    }
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    this.#trainers.get(trainer)?.lines.add(`invalid message from the trainer: ${reason}`, 50);
    void this.end(trainer);
  }

  async #watch(trainer: string, child: ChildProcess, lines: LogLines): Promise<void> {
    let closed: Promise<unknown> = Promise.resolve();
    try {
      closed = once(child, 'close');
      await once(child, 'exit');
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, LAST_LINES_MS))]);
    } catch (error) {
      closed.catch(() => undefined);
      lines.add(`the trainer could not be started: ${String(error)}`, 50);
    }
    lines.flush();
    this.#trainers.delete(trainer);
    const { exitCode: code, signalCode: signal } = child;
    this.#options.log.info({ trainer, code, signal }, 'trainer exited');
    this.#options.send({
      type: 'trainer-exited',
      trainer,
      code,
      signal,
      lastLines: [...lines.last],
      rssBytes: null,
      outOfMemory: false,
    });
  }
}
