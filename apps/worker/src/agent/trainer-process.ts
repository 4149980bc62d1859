import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { detection, type Launch, type TrainerCommand } from '@ringmaster/protocol';
import { trainerEnvironment, type Device } from '@ringmaster/tensorflow';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { beatPipe } from '../trainer/beat/beat-pipe.js';
import type { RingPlace } from '../trainer/session/listening.js';
import { LogLines } from './log-lines.js';
import { peakMemory } from './memory.js';

/** First message to a trainer process. Every later one is a `TrainerCommand`. */
export interface TrainerLaunch {
  readonly type: 'launch';
  readonly launch: Launch;
  readonly artifacts: ArtifactsLocation;
  /** Directory of fetched artifacts. */
  readonly cache: string;
  /** Bytes that they may take; null for a tenth of the file system. */
  readonly cacheLimit: number | null;
  /** Where its rings are to listen. */
  readonly ring: RingPlace;
}

export interface TrainerProcessOptions {
  /** Path of the trainer's program. */
  readonly program: string;
  /** TensorFlow's threads. */
  readonly threads: number;
  readonly device: Device;
}

/** Who hears of a trainer that has a run. */
export interface TrainerListener {
  readonly onMessage: (message: unknown) => void;
  readonly onLines: (lines: string[]) => void;
  /** The process gave a sign of life. */
  readonly onBeat: () => void;
}

/** How a trainer's process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lastLines: string[];
  /** Most memory that it was seen to use, in bytes. */
  readonly rssBytes: number | null;
}

/** How long a trainer may take to end by itself. */
const GRACE_MS = 3000;

/** One trainer's process, from its start to its end. It loads what every run needs, and is then given one. */
export class TrainerProcess {
  /** Settles when the process has ended, or could not be started. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: LogLines;
  readonly #pipe: Socket;
  /** Lines that were written before there was a run. */
  readonly #early: string[] = [];
  #listener: TrainerListener | null = null;
  #rssBytes: number | null = null;

  constructor({ program, threads, device }: TrainerProcessOptions) {
    this.#lines = new LogLines((lines) => {
      if (this.#listener === null) this.#early.push(...lines);
      else this.#listener.onLines(lines);
    });
    this.#child = fork(program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      // A session of its own: Ctrl-C in a terminal is for the worker, which then leaves in order.
      detached: true,
      env: { ...trainerEnvironment({ threads, device }), [beatPipe.variable]: String(beatPipe.fd) },
    });
    const { stdout, stderr, stdio } = this.#child;
    if (stdout !== null) this.#lines.read(stdout, 'stdout');
    if (stderr !== null) this.#lines.read(stderr, 'stderr');
    this.#pipe = stdio[beatPipe.fd] as Socket;
    this.#pipe.on('data', () => this.#listener?.onBeat());
    // Its end is that of the process, which is told as such.
    this.#pipe.on('error', () => undefined);
    this.#child.on('message', (message) => this.#listener?.onMessage(message));
    this.exited = this.#watch();
  }

  /** Gives the process its run. */
  begin(first: TrainerLaunch, listener: TrainerListener): void {
    this.#listener = listener;
    if (this.#early.length > 0) listener.onLines(this.#early.splice(0));
    this.tell(first);
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the trainer can be given a run. */
  get isAlive(): boolean {
    const { connected, exitCode, signalCode } = this.#child;
    return connected && exitCode === null && signalCode === null;
  }

  /** Sends over the child's channel. A channel that is closed belongs to a process whose end is about to be told. */
  tell(message: TrainerLaunch | TrainerCommand): void {
    if (!this.#child.connected) return;
    this.#child.send(message, () => undefined);
    // What is in hand belongs to a generation that is over: the main thread may be computing for seconds yet.
    const ends = message.type === 'prepare' && !message.planned;
    if (ends) this.#pipe.write(`${message.generation}\n`);
  }

  /** Looks how much memory the process has used. */
  measure(): void {
    if (this.pid !== undefined) this.#rssBytes = peakMemory(this.pid) ?? this.#rssBytes;
  }

  /** Adds a line of the agent's own to those of the process. */
  note(line: string): void {
    this.#lines.add(line, 50);
  }

  /** SIGTERM, and SIGKILL after three seconds. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.note('the trainer did not end in time and is killed');
      this.kill();
    }, GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #watch(): Promise<Exit> {
    let closed: Promise<unknown> = Promise.resolve();
    try {
      closed = once(this.#child, 'close');
      await once(this.#child, 'exit');
      await Promise.race([closed, sleep(detection.lastLinesMs)]);
      // One more look at the pipes: under load the time may be over before they were read at all.
      await setImmediate();
    } catch (error) {
      closed.catch(() => undefined);
      this.note(`the trainer could not be started: ${String(error)}`);
    }
    this.#lines.flush();
    const { exitCode: code, signalCode: signal } = this.#child;
    return { code, signal, lastLines: [...this.#lines.last], rssBytes: this.#rssBytes };
  }
}
