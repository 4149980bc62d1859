import {
  faultOf,
  RingmasterError,
  type CoordinatorMessage,
  type KeptCheckpoint,
  type Launch,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Fleet } from '../jobs/fleet.js';
import type { Departure } from '../runs/event.js';
import type { Offer } from '../scheduler/demand.js';
import { afterStep, afterStillbirth } from './health.js';
import { Workers, type Occupant, type Registration, type Worker } from './workers.js';

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
  /** A worker was taken in, be it again, has told everything that it had to tell, and still holds these trainers. */
  readonly onReported: (worker: string, held: readonly string[]) => void;
  /** A worker made these durable while nobody was there to be told. When this returns, it forgets them. */
  readonly onKept: (checkpoints: readonly KeptCheckpoint[]) => void;
  /** The worker of these trainers wants to go. */
  readonly onReleased: (trainers: readonly string[], reason: string) => void;
  /** Something is wrong with a worker. */
  readonly onIncident: (worker: string, what: string) => void;
  readonly onLog: (job: string, lines: readonly string[]) => void;
  /** Slots have come or gone. */
  readonly onSlots: () => void;
}

/** The workers and their trainers, as far as the coordinator knows. */
export class Cluster implements Fleet {
  readonly workers: Workers;
  readonly #options: ClusterOptions;
  #goingDown = false;

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
      case 'heartbeat':
        this.#settle(worker);
        break;
      case 'leaving':
        this.#onLeaving(worker);
        break;
      case 'leave':
        log.info({ worker: worker.id }, 'worker left');
        this.#remove(worker, 'left', 'it left');
        break;
      case 'trainer-started': {
        const occupant = worker.trainers.get(message.trainer);
        if (occupant !== undefined) occupant.pid = message.pid;
        break;
      }
      case 'trainer-message': {
        const occupant = worker.trainers.get(message.trainer);
        if (occupant !== undefined) this.#judge(worker, occupant, message.message);
        // Even of a trainer that is no more: it may have said so while no coordinator was there.
        this.#options.onTrainerMessage(worker.id, message.trainer, message.message);
        break;
      }
      case 'trainer-silent': {
        const { trainer, seconds } = message;
        const occupant = worker.trainers.get(trainer);
        if (occupant !== undefined) this.#bury(worker, occupant);
        this.#options.onTrainerGone(trainer, { cause: 'silent', seconds });
        break;
      }
      case 'trainer-exited': {
        const { trainer, code, signal, lastLines, rssBytes, outOfMemory } = message;
        const occupant = worker.trainers.get(trainer);
        if (occupant !== undefined) this.#bury(worker, occupant);
        worker.trainers.delete(trainer);
        this.#options.onTrainerGone(trainer, {
          ...{ cause: 'exited', code, signal, lastLines, rssBytes, outOfMemory },
        });
        this.#options.onSlots();
        break;
      }
      case 'log':
        this.#options.onLog(message.job, message.lines);
        break;
    }
  }

  /** A message could not be delivered: whoever it was for has to register again. */
  onUnreachable(peer: string): void {
    this.workers.cutOff(peer, this.#options.clock());
  }

  /** Ends leases that have run out. */
  tick(): void {
    const { clock, leaseMs } = this.#options;
    for (const worker of this.workers.expired(clock())) {
      const silence = `nothing was heard of it for ${leaseMs / 1000} s`;
      this.#remove(worker, 'lost', worker.peer === null ? 'its connection broke' : silence);
    }
  }

  /** Asks every worker to end its trainers and to go, those who register from now on too. */
  shutdown(): void {
    this.#goingDown = true;
    for (const worker of this.workers.present()) this.#tell(worker, { type: 'shutdown' });
  }

  offers(): Offer[] {
    return this.workers.offers();
  }

  launch(id: string, launch: Launch): void {
    const worker = this.workers.get(id);
    if (worker?.presence !== 'here') throw new Error(`trainer launched on ${id}, which is gone`);
    worker.trainers.set(launch.trainer, { job: launch.job, pid: null, unproven: true });
    this.#tell(worker, { type: 'launch', launch });
  }

  command(trainer: string, command: TrainerCommand): void {
    const worker = this.workers.holding(trainer);
    if (worker !== null) this.#tell(worker, { type: 'trainer-command', trainer, command });
  }

  /** Ends a trainer; its slot is free once the worker says that it has exited. */
  end(trainer: string): void {
    const worker = this.workers.holding(trainer);
    const occupant = worker?.trainers.get(trainer);
    if (occupant !== undefined) occupant.unproven = false;
    if (worker !== null) this.#tell(worker, { type: 'end-trainer', trainer });
  }

  /** Sends to a worker; what is for one that is cut off it is told again after it has registered. */
  #tell({ peer }: Worker, message: CoordinatorMessage): void {
    if (peer !== null) this.#options.send(peer, message);
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
    this.#options.onKept(message.checkpoints);
    const worker = this.workers.register(peer, message, clock());
    send(peer, { type: 'registered', worker: worker.id, leaseMs, artifacts: artifacts() });
    log.info({ worker: worker.id, host: worker.host, slots: worker.slots }, 'worker registered');
    if (this.#goingDown) this.#tell(worker, { type: 'shutdown' });
    for (const trainer of worker.trainers.keys())
      if (!this.#options.isWanted(trainer)) this.end(trainer);
    this.#options.onSlots();
  }

  /** The first heartbeat after a registration follows everything that the worker had not been able to tell. */
  #settle(worker: Worker): void {
    if (worker.settled) return;
    worker.settled = true;
    this.#options.onReported(worker.id, [...worker.trainers.keys()]);
  }

  #onLeaving(worker: Worker): void {
    if (!worker.leaving) this.#options.log.info({ worker: worker.id }, 'worker leaves');
    worker.leaving = true;
    this.#options.onReleased([...worker.trainers.keys()], `worker ${worker.id} leaves`);
    this.#options.onSlots();
  }

  /** Draws from what a trainer says whether its worker is fit to compute. */
  #judge(worker: Worker, occupant: Occupant, message: TrainerMessage): void {
    if (message.type === 'progress' && message.steps.length > 0) {
      occupant.unproven = false;
      worker.health = afterStep(worker.health);
    }
    if (message.type !== 'failed' || message.generation > 0) return;
    // It could not even load, and the coordinator will end it: that tells of the worker where nothing else is at fault.
    if (message.fatal || faultOf(message.error.code) !== null) occupant.unproven = false;
    else this.#bury(worker, occupant);
  }

  /** A trainer has come to its end. */
  #bury(worker: Worker, occupant: Occupant): void {
    if (!occupant.unproven) return;
    occupant.unproven = false;
    const { quarantinedUntil } = worker.health;
    worker.health = afterStillbirth(worker.health, this.#options.clock());
    if (quarantinedUntil !== null || worker.health.quarantinedUntil === null) return;
    const { id, host, health } = worker;
    const what = `Worker ${id} on ${host} is quarantined: ${health.stillborn} trainers in a row died on it before they made a step. It is given none for 10 minutes.`;
    this.#options.log.warn({ worker: id }, what);
    this.#options.onIncident(id, what);
    this.#options.onSlots();
  }

  #remove(worker: Worker, state: 'lost' | 'left', reason: string): void {
    if (state === 'lost') this.#options.log.warn({ worker: worker.id, reason }, 'worker lost');
    for (const trainer of this.workers.remove(worker, state))
      this.#options.onTrainerGone(trainer, { cause: 'worker-lost', reason });
    this.#options.onSlots();
  }
}
