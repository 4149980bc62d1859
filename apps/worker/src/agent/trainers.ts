import {
  detection,
  trainerMessageSchema,
  type KeptCheckpoint,
  type Launch,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Device } from '@ringmaster/tensorflow';
import type { Logger } from 'pino';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import type { RingPlace } from '../trainer/session/listening.js';
import { HeartbeatMonitor } from './heartbeat-monitor.js';
import { OomKills, oomKillFile, oomKillsIn } from './memory.js';
import type { Exit, TrainerProcess } from './trainer-process.js';
import { WarmTrainers } from './warm-trainers.js';

export interface TrainersOptions {
  /** Path of the trainer's program. */
  readonly program: string;
  /** Devices, one for each slot. */
  readonly devices: readonly Device[];
  /** Directory of fetched artifacts. */
  readonly cache: string;
  /** Bytes that they may take; null for a tenth of the file system. */
  readonly cacheLimit: number | null;
  readonly send: (message: WorkerMessage) => void;
  /** A trainer has made a checkpoint; called before that is sent. */
  readonly onCheckpoint: (checkpoint: KeptCheckpoint) => void;
  /** A trainer cannot go on in its ring, and keeps its state. */
  readonly onFailed: () => void;
  readonly log: Logger;
}

/** How long a slot is free before a process is started for its next run: what comes and goes at once has none. */
const WARM_AFTER_MS = 2000;

interface Held {
  readonly process: TrainerProcess;
  readonly launch: Launch;
  readonly slot: number;
  /** Whether the trainer was asked to make its state durable, and has not answered yet. */
  saving: boolean;
  /** Whether it has done its part of the run, and was asked for nothing since. */
  hasFinished: boolean;
}

/** The trainer processes of one worker. */
export class Trainers {
  /** Silence for which a trainer is killed, in milliseconds. */
  leaseMs: number = detection.leaseMs;
  readonly #options: TrainersOptions;
  readonly #trainers = new Map<string, Held>();
  readonly #heartbeats = new HeartbeatMonitor(performance.now());
  readonly #oomFile = oomKillFile();
  readonly #oomKills = new OomKills(oomKillsIn(this.#oomFile));
  readonly #watch: NodeJS.Timeout;
  readonly #warm: WarmTrainers;
  #warming: NodeJS.Timeout | null = null;
  #isEnding = false;

  constructor(options: TrainersOptions) {
    this.#options = options;
    const { program, devices } = options;
    const onDeath = (signal: NodeJS.Signals | null) => {
      // What the system has taken from it must not be laid at another's door.
      if (signal === 'SIGKILL') this.#claimOomKill();
    };
    this.#warm = new WarmTrainers({ program, devices, onDeath });
    this.#watch = setInterval(() => {
      this.#look();
    }, detection.watchMs);
  }

  /** The trainers that live, as a registration lists them. */
  held(): { trainer: string; job: string; pid: number }[] {
    return [...this.#trainers].flatMap(
      ([
        trainer,
        {
          launch: { job },
          process: { pid },
        },
      ]) => (pid === undefined ? [] : [{ trainer, job, pid }]),
    );
  }

  /** Has a process wait for a run in every slot that stays free for a while. */
  warm(): void {
    this.#stopWarming();
    if (this.#isEnding) return;
    this.#warming = setTimeout(() => {
      const taken = this.#takenSlots();
      for (const slot of this.#options.devices.keys()) if (!taken.has(slot)) this.#warm.start(slot);
    }, WARM_AFTER_MS);
  }

  /** Starts a trainer; one that is told twice to start is started once. */
  launch(launch: Launch, artifacts: ArtifactsLocation, ring: RingPlace): void {
    const { trainer, job } = launch;
    if (this.#trainers.has(trainer)) return;
    const { cache, cacheLimit, send, log } = this.#options;
    const slot = this.#freeSlot();
    const process = this.#warm.take(slot, launch.spec.workers.threads);
    const first = { type: 'launch', launch, artifacts, cache, cacheLimit, ring } as const;
    process.begin(first, {
      onMessage: (message) => {
        this.#relay(trainer, message);
      },
      onLines: (lines) => {
        send({ type: 'log', trainer, job, lines });
      },
      onBeat: () => {
        this.#heartbeats.heard(trainer);
      },
    });
    this.#trainers.set(trainer, { process, launch, slot, saving: false, hasFinished: false });
    void process.exited.then((exit) => {
      this.#bury(trainer, exit);
    });
    const { pid } = process;
    if (pid === undefined) return;
    this.#heartbeats.begin(trainer);
    log.info({ trainer, job, pid }, 'trainer started');
    send({ type: 'trainer-started', trainer, pid });
  }

  command(trainer: string, command: TrainerCommand): void {
    const held = this.#trainers.get(trainer);
    if (held === undefined) return;
    if (command.type === 'prepare') held.hasFinished = false;
    held.process.tell(command);
  }

  /** Ends a trainer. The process of one that has finished waits for another run, where it may; others are ended. */
  async end(trainer: string): Promise<void> {
    const held = this.#trainers.get(trainer);
    if (held === undefined) return;
    const { process, slot, launch, hasFinished } = held;
    held.hasFinished = false; // It is asked once.
    const exit = hasFinished && !this.#isEnding ? await process.release() : null;
    if (exit === null || this.#isEnding) {
      await process.end();
      return;
    }
    this.#warm.keep(slot, process, launch.spec.workers.threads);
    this.#bury(trainer, exit);
  }

  /** Ends every trainer, and the watch over them. */
  async endAll(): Promise<void> {
    this.#isEnding = true;
    this.#stopWarming();
    await Promise.all([
      ...[...this.#trainers.keys()].map((trainer) => this.end(trainer)),
      this.#warm.endAll(),
    ]);
    clearInterval(this.#watch);
  }

  /** Asks every trainer to make its state durable. */
  save(): void {
    for (const held of this.#trainers.values()) {
      held.saving = true;
      held.process.tell({ type: 'save' });
    }
  }

  /** Whether some trainer was asked to make its state durable, and has not answered yet. */
  get saving(): boolean {
    return [...this.#trainers.values()].some(({ saving }) => saving);
  }

  #stopWarming(): void {
    if (this.#warming !== null) clearTimeout(this.#warming);
    this.#warming = null;
  }

  #takenSlots(): Set<number> {
    return new Set([...this.#trainers.values()].map(({ slot }) => slot));
  }

  #freeSlot(): number {
    const taken = this.#takenSlots();
    const free = this.#options.devices.findIndex((_, slot) => !taken.has(slot));
    return free === -1 ? 0 : free;
  }

  #relay(trainer: string, message: unknown): void {
    this.#heartbeats.heard(trainer);
    const held = this.#trainers.get(trainer);
    const parsed = trainerMessageSchema.safeParse(message);
    if (parsed.success) {
      if (held !== undefined) this.#note(held, parsed.data);
      this.#options.send({ type: 'trainer-message', trainer, message: parsed.data });
      return;
    }
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    held?.process.note(`invalid message from the trainer: ${reason}`);
    void this.end(trainer);
  }

  /** Draws what matters here from a message that is about to be sent on. */
  #note(held: Held, message: TrainerMessage): void {
    switch (message.type) {
      case 'checkpointed': {
        const { job, specHash } = held.launch;
        const { position, manifest } = message;
        held.saving = false;
        this.#options.onCheckpoint({ job, specHash, position, manifest });
        break;
      }
      case 'checkpoint-failed':
        held.saving = false;
        break;
      case 'finished':
        held.hasFinished = true;
        break;
      case 'prepared':
        held.hasFinished = false;
        break;
      case 'failed':
        if (!message.fatal && message.generation > 0) this.#options.onFailed();
        break;
      default:
    }
  }

  /** Looks after every trainer: whether it gives signs of life, and how much memory it takes. */
  #look(): void {
    const now = performance.now();
    this.#oomKills.see(oomKillsIn(this.#oomFile), now);
    for (const { process } of this.#trainers.values()) process.measure();
    const limitMs = Math.max(this.leaseMs, detection.leastSilenceMs);
    for (const { trainer, seconds } of this.#heartbeats.look(now, limitMs)) {
      this.#options.log.warn({ trainer, seconds }, 'trainer gives no sign of life and is killed');
      this.#options.send({ type: 'trainer-silent', trainer, seconds });
      this.#trainers.get(trainer)?.process.kill(); // A stopped process does not hear SIGTERM.
    }
  }

  /** Whether the system has killed for memory, and nobody has been told to be the one. */
  #claimOomKill(): boolean {
    this.#oomKills.see(oomKillsIn(this.#oomFile), performance.now());
    return this.#oomKills.claim();
  }

  #bury(trainer: string, exit: Exit): void {
    // A process that went on to other runs ends after its first trainer has.
    if (!this.#trainers.delete(trainer)) return;
    this.#heartbeats.end(trainer);
    const outOfMemory = exit.signal === 'SIGKILL' && this.#claimOomKill();
    const { code, signal } = exit;
    this.#options.log.info({ trainer, code, signal, outOfMemory }, 'trainer exited');
    this.#options.send({ type: 'trainer-exited', trainer, ...exit, outOfMemory });
    this.warm();
  }
}
