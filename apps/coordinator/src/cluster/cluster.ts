import {
  RingmasterError,
  type CoordinatorMessage,
  type Launch,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Fleet } from '../jobs/fleet.js';
import type { Departure } from '../runs/run.js';
import type { Offer } from '../scheduler/demand.js';
import { Workers, type Registration, type Worker } from './workers.js';

export interface ClusterOptions {
  readonly version: string;
  readonly leaseMs: number;
  /** Token that workers register with; null when none is asked. */
  readonly token: string | null;
  readonly artifacts: () => Extract<CoordinatorMessage, { type: 'registered' }>['artifacts'];
  readonly send: (peer: string, message: CoordinatorMessage) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  readonly log: Logger;
  /** Whether some job counts on this trainer. */
  readonly isWanted: (trainer: string) => boolean;
  readonly onTrainerMessage: (worker: string, trainer: string, message: TrainerMessage) => void;
  readonly onTrainerGone: (trainer: string, departure: Departure) => void;
  readonly onLog: (job: string, lines: readonly string[]) => void;
  /** Slots have come or gone. */
  readonly onSlots: () => void;
}

/** The workers and their trainers, as far as the coordinator knows. */
export class Cluster implements Fleet {
  readonly workers: Workers;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.workers = new Workers(options.leaseMs, options.clock());
  }

  /** Takes a message of the control plane. */
  onMessage(peer: string, message: WorkerMessage): void {
    const { clock, send, log } = this.#options;
    if (message.type === 'register') {
      this.#register(peer, message);
      return;
    }
    const worker = this.workers.hear(peer, clock());
    if (message.type === 'heartbeat') send(peer, { type: 'heard', known: worker !== null });
    // Whoever is unknown or lost registers again first, and tells then what is still true.
    if (worker === null) return;
    switch (message.type) {
      case 'leave':
        log.info({ worker: worker.id }, 'worker left');
        this.#remove(worker, 'left', 'it left');
        break;
      case 'trainer-started': {
        const occupant = worker.trainers.get(message.trainer);
        if (occupant !== undefined) occupant.pid = message.pid;
        break;
      }
      case 'trainer-message':
        if (worker.trainers.has(message.trainer))
          this.#options.onTrainerMessage(worker.id, message.trainer, message.message);
        break;
      case 'trainer-exited': {
        const { trainer, code, signal, lastLines, rssBytes, outOfMemory } = message;
        if (!worker.trainers.delete(trainer)) break;
        this.#options.onTrainerGone(trainer, {
          ...{ cause: 'exited', code, signal, lastLines, rssBytes, outOfMemory },
        });
        this.#options.onSlots();
        break;
      }
      case 'log':
        this.#options.onLog(message.job, message.lines);
        break;
      default:
    }
  }

  /** A message could not be delivered: whoever it was for has to register again. */
  onUnreachable(peer: string): void {
    const worker = this.workers.alive().find((candidate) => candidate.peer === peer);
    if (worker !== undefined) this.#remove(worker, 'lost', 'its connection broke');
  }

  /** Ends leases that have run out. */
  tick(): void {
    const { clock, leaseMs } = this.#options;
    for (const worker of this.workers.expired(clock())) {
      this.#remove(worker, 'lost', `nothing was heard of it for ${leaseMs / 1000} s`);
    }
  }

  /** Asks every worker to end its trainers and to go. */
  shutdown(): void {
    for (const { peer } of this.workers.alive()) this.#options.send(peer, { type: 'shutdown' });
  }

  offers(): Offer[] {
    return this.workers.offers();
  }

  launch(id: string, launch: Launch): void {
    const worker = this.workers.get(id);
    if (worker?.state !== 'alive') throw new Error(`trainer launched on ${id}, which is not alive`);
    worker.trainers.set(launch.trainer, { job: launch.job, pid: null });
    this.#options.send(worker.peer, { type: 'launch', launch });
  }

  command(trainer: string, command: TrainerCommand): void {
    const worker = this.workers.holding(trainer);
    if (worker !== null)
      this.#options.send(worker.peer, { type: 'trainer-command', trainer, command });
  }

  /** Ends a trainer; its slot is free once the worker says that it has exited. */
  end(trainer: string): void {
    const worker = this.workers.holding(trainer);
    if (worker !== null) this.#options.send(worker.peer, { type: 'end-trainer', trainer });
  }

  #register(peer: string, message: Registration): void {
    const { version, token, leaseMs, artifacts, clock, send, log } = this.#options;
    const refusal =
      token !== null && message.token !== token
        ? new RingmasterError('UNAUTHORIZED', {})
        : message.version !== version
          ? new RingmasterError('VERSION_MISMATCH', {
              worker: message.version,
              coordinator: version,
            })
          : null;
    if (refusal !== null) {
      log.warn({ host: message.host, err: refusal }, 'worker refused');
      send(peer, { type: 'refused', error: refusal.toBody() });
      return;
    }
    const { worker, gone } = this.workers.register(peer, message, clock());
    send(peer, { type: 'registered', worker: worker.id, leaseMs, artifacts: artifacts() });
    log.info({ worker: worker.id, host: worker.host, slots: worker.slots }, 'worker registered');
    const reason = 'it registered again without it';
    for (const trainer of gone)
      this.#options.onTrainerGone(trainer, { cause: 'worker-lost', reason });
    for (const trainer of worker.trainers.keys())
      if (!this.#options.isWanted(trainer)) send(peer, { type: 'end-trainer', trainer });
    this.#options.onSlots();
  }

  #remove(worker: Worker, state: 'lost' | 'left', reason: string): void {
    if (state === 'lost') this.#options.log.warn({ worker: worker.id, reason }, 'worker lost');
    for (const trainer of this.workers.remove(worker, state))
      this.#options.onTrainerGone(trainer, { cause: 'worker-lost', reason });
    this.#options.onSlots();
  }
}
