import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { detection, type Launch, type TrainerCommand } from '@ringmaster/protocol';
import { trainerEnvironment, type Device } from '@ringmaster/tensorflow';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { beatPipe } from '../trainer/beat/beat-pipe.js';
import { isRelease, release, type Release } from '../trainer/release.js';
import type { RingPlace } from '../trainer/session/listening.js';
import { LogLines } from './log-lines.js';
import { peakMemory, residentMemory, resetPeakMemory } from './memory.js';

/** What begins a run of a trainer process. What follows is a `TrainerCommand`, or the release from the run. */
export interface TrainerLaunch {
  readonly type: 'launch';
  /** Which run of the process it is: 1 for the first. */
  readonly run: number;
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

/** How long a trainer may take to end by itself, or to free everything of its run. */
const GRACE_MS = 3000;

/** Runs that one process may have: what is lost in each without being seen is bounded by it. */
const MOST_RUNS = 100;
/** Resident memory that a process without a run may have, in bytes: twice what TensorFlow takes. */
const MOST_IDLE_BYTES = 800e6;

/** A trainer's process, from its start to its end. It loads what every run needs, and is then given one after another. */
export class TrainerProcess {
  /** Settles when the process has ended, or could not be started. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: LogLines;
  readonly #pipe: Socket;
  /** Lines that were written before there was a run. */
  readonly #early: string[] = [];
  #listener: TrainerListener | null = null;
  #runs = 0;
  #hasRun = false;
  #onReleased: () => void = () => undefined;
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
    this.#child.on('message', (message) => {
      if (isRelease(message)) this.#onReleased();
      else this.#listener?.onMessage(message);
    });
    this.exited = this.#watch();
  }

  /** Gives the process, which has no run, its next one. */
  begin(first: Omit<TrainerLaunch, 'run'>, listener: TrainerListener): void {
    this.#listener = listener;
    this.#runs++;
    if (this.#early.length > 0) listener.onLines(this.#early.splice(0));
    this.#hasRun = true;
    this.#post({ ...first, run: this.#runs });
  }

  /**
   * Has the process free everything of its run, which it has finished. It can be given another one then.
   * @returns how the run ended, as the end of a process is told; null where the process has to be ended instead
   */
  async release(): Promise<Exit | null> {
    const { pid } = this;
    if (pid === undefined || this.#runs >= MOST_RUNS || !(await this.#askForRelease())) return null;
    this.measure();
    const rssBytes = this.#rssBytes;
    // What ends here is told of with its own peak, which is counted anew only for what goes on.
    const idleBytes = residentMemory(pid) ?? Infinity;
    if (idleBytes > MOST_IDLE_BYTES || !resetPeakMemory(pid)) return null;
    // What it wrote lies in its pipes: the second turn of the event loop reads all of that.
    await setImmediate();
    await setImmediate();
    const lastLines = [...this.#lines.last];
    this.#lines.restart();
    this.#listener = null;
    this.#rssBytes = null;
    return this.isAlive ? { code: 0, signal: null, lastLines, rssBytes } : null;
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

  /** Tells the process what concerns its run. One without a run, or about to have none, is told nothing. */
  tell(message: TrainerCommand): void {
    if (!this.#hasRun || !this.#child.connected) return;
    this.#post(message);
    // What is in hand belongs to a generation that is over: the main thread may be computing for seconds yet.
    const ends = message.type === 'prepare' && !message.planned;
    if (ends) this.#pipe.write(`${this.#runs} ${message.generation}\n`);
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

  /** Sends over the child's channel. A channel that is closed belongs to a process whose end is about to be told. */
  #post(message: TrainerLaunch | TrainerCommand | Release): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** @returns whether the process says in time that it has freed everything */
  async #askForRelease(): Promise<boolean> {
    const late = new AbortController();
    const released = new Promise<boolean>((resolve) => {
      this.#onReleased = () => {
        resolve(true);
      };
    });
    this.#hasRun = false;
    this.#post(release);
    const isReleased = await Promise.race([
      released,
      this.exited.then(() => false),
      sleep(GRACE_MS, false, { signal: late.signal }),
    ]);
    late.abort();
    return isReleased;
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
