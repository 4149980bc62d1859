import {
  faultOf,
  RingmasterError,
  type CoordinatorMessage,
  type Launch,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { versionMismatch } from '../access/joining.js';
import type { Offer } from '../scheduler/demand.js';
import type { TaskWorker } from '../preparation/placement.js';
import type { FleetEvent } from './event.js';
import { afterStep, afterStillbirth, afterWrongBytes } from './health.js';
import { Workers, type Occupant, type Registration, type Worker } from './workers.js';

export interface FleetOptions {
  readonly version: string;
  readonly leaseMs: number;
  /** Judges the token that a worker registers with: why it is not taken in, or the id of the token if it has one. */
  readonly admit: (token: string | null) => RingmasterError | { readonly token: string | null };
  readonly artifacts: () => Extract<CoordinatorMessage, { type: 'registered' }>['artifacts'];
  readonly send: (peer: string, message: CoordinatorMessage) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  readonly log: Logger;
  /** Whether some job counts on this trainer. */
  readonly isWanted: (trainer: string) => boolean;
  readonly onEvent: (event: FleetEvent) => void;
}

/**
 * The workers and their trainers, as far as the coordinator knows. Nothing that it is asked for waits: what becomes of
 * it comes back as events.
 */
export class Fleet {
  readonly workers: Workers;
  readonly #options: FleetOptions;
  #goingDown = false;

  constructor(options: FleetOptions) {
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
        this.#emit({
          type: 'trainer-message',
          worker: worker.id,
          trainer: message.trainer,
          message: message.message,
        });
        break;
      }
      case 'trainer-silent': {
        const { trainer, seconds } = message;
        const occupant = worker.trainers.get(trainer);
        if (occupant !== undefined) this.#bury(worker, occupant);
        this.#emit({ type: 'trainer-gone', trainer, departure: { cause: 'silent', seconds } });
        break;
      }
      case 'trainer-exited': {
        const { trainer, code, signal, lastLines, rssBytes, outOfMemory } = message;
        const occupant = worker.trainers.get(trainer);
        if (occupant !== undefined) this.#bury(worker, occupant);
        worker.trainers.delete(trainer);
        this.#emit({
          type: 'trainer-gone',
          trainer,
          departure: { cause: 'exited', code, signal, lastLines, rssBytes, outOfMemory },
        });
        this.#emit({ type: 'slots-changed' });
        break;
      }
      case 'task-failed': {
        const { lease, reason } = message;
        this.#emit({ type: 'task-failed', worker: worker.id, lease, reason });
        break;
      }
      case 'log':
        this.#emit({ type: 'log', job: message.job, lines: message.lines });
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

  /** Ends workers that came by a token which is revoked: their trainers are gone from this moment on. */
  expel(token: string): void {
    for (const worker of this.workers.present().filter((each) => each.token === token)) {
      const { peer } = worker;
      if (peer !== null) this.#refuse(peer, worker, new RingmasterError('UNAUTHORIZED', {}));
      this.#remove(worker, 'lost', 'its token was revoked');
    }
  }

  /** The slots of workers that take trainers. */
  offers(): Offer[] {
    return this.workers.offers();
  }

  /** Workers that do tasks of data preparation on such a platform. */
  taskWorkers(platform: string): TaskWorker[] {
    return this.workers.taskWorkers(platform);
  }

  /** Has a worker do a task of data preparation. */
  lendTask(worker: string, lease: string): void {
    this.#tellIfThere(worker, { type: 'lend-task', lease });
  }

  withdrawTask(worker: string, lease: string): void {
    this.#tellIfThere(worker, { type: 'withdraw-task', lease });
  }

  /** Gives a worker no trainers and no tasks for a while. */
  quarantine(id: string, because: string): void {
    const worker = this.workers.get(id);
    if (worker === null) return;
    worker.health = afterWrongBytes(worker.health, this.#options.clock());
    this.#tellQuarantine(worker, because);
  }

  /** Has a worker start a trainer. */
  launch(id: string, launch: Launch): void {
    const worker = this.workers.get(id);
    if (worker?.presence !== 'here') throw new Error(`trainer launched on ${id}, which is gone`);
    worker.trainers.set(launch.trainer, { job: launch.job, pid: null, unproven: true });
    this.#tell(worker, { type: 'launch', launch });
  }

  /** Sends a command to a trainer. */
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

  #emit(event: FleetEvent): void {
    this.#options.onEvent(event);
  }

  /** Sends to a worker; what is for one that is cut off it is told again after it has registered. */
  #tell({ peer }: Worker, message: CoordinatorMessage): void {
    if (peer !== null) this.#options.send(peer, message);
  }

  #tellIfThere(id: string, message: CoordinatorMessage): void {
    const worker = this.workers.get(id);
    if (worker?.presence === 'here') this.#tell(worker, message);
  }

  #register(peer: string, message: Registration): void {
    const { version, admit, leaseMs, artifacts, clock, send, log } = this.#options;
    const admission = admit(message.token);
    if (RingmasterError.is(admission)) {
      this.#refuse(peer, message, admission);
      return;
    }
    const mismatch = versionMismatch(message, version);
    if (mismatch !== null) {
      this.#refuse(peer, message, mismatch);
      return;
    }
    this.#emit({ type: 'checkpoints-kept', checkpoints: message.checkpoints });
    const worker = this.workers.register(peer, message, clock(), admission.token);
    send(peer, { type: 'registered', worker: worker.id, leaseMs, artifacts: artifacts() });
    log.info({ worker: worker.id, host: worker.host, slots: worker.slots }, 'worker registered');
    if (this.#goingDown) this.#tell(worker, { type: 'shutdown' });
    for (const trainer of worker.trainers.keys())
      if (!this.#options.isWanted(trainer)) this.end(trainer);
    this.#emit({ type: 'worker-registered', worker: worker.id });
    this.#emit({ type: 'slots-changed' });
  }

  #refuse(peer: string, { host }: Pick<Registration, 'host'>, error: RingmasterError): void {
    this.#options.log.warn({ host, err: error }, 'worker refused');
    this.#options.send(peer, { type: 'refused', error: error.toBody() });
  }

  /** The first heartbeat after a registration follows everything that the worker had not been able to tell. */
  #settle(worker: Worker): void {
    if (worker.settled) return;
    worker.settled = true;
    this.#emit({ type: 'worker-reported', worker: worker.id, held: [...worker.trainers.keys()] });
  }

  #onLeaving(worker: Worker): void {
    if (!worker.leaving) this.#options.log.info({ worker: worker.id }, 'worker leaves');
    worker.leaving = true;
    this.#emit({
      type: 'trainers-released',
      trainers: [...worker.trainers.keys()],
      reason: `worker ${worker.id} leaves`,
    });
    this.#emit({ type: 'slots-changed' });
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
    const { stillborn } = worker.health;
    this.#tellQuarantine(
      worker,
      `${stillborn} trainers in a row died on it before they made a step`,
    );
  }

  #tellQuarantine({ id, host }: Worker, because: string): void {
    const what = `Worker ${id} on ${host} is quarantined: ${because}. It is given nothing for 10 minutes.`;
    this.#options.log.warn({ worker: id }, what);
    this.#emit({ type: 'worker-quarantined', worker: id, what });
    this.#emit({ type: 'slots-changed' });
  }

  #remove(worker: Worker, state: 'lost' | 'left', reason: string): void {
    if (state === 'lost') this.#options.log.warn({ worker: worker.id, reason }, 'worker lost');
    for (const trainer of this.workers.remove(worker, state))
      this.#emit({ type: 'trainer-gone', trainer, departure: { cause: 'worker-lost', reason } });
    this.#emit({ type: 'slots-changed' });
  }
}
