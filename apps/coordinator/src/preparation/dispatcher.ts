import { randomBytes } from 'node:crypto';
import { Allowance } from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';
import { LeasePool } from './lease-pool.js';
import type { LentInput, PreparationMessage } from './messages.js';
import { capacity, placeFor, type PrepareOn, type Room, type TaskWorker } from './placement.js';
import { COORDINATOR } from './preparers.js';

type Wanted = Extract<PreparationMessage, { type: 'lease-wanted' }>;

/** Who has the tasks of a preparation done. */
export interface Client {
  /** It may do the task of this number itself. */
  readonly granted: (number: number) => void;
  /** A worker has sent a file as the answer to the task of this number. */
  readonly answered: (number: number, worker: string, path: string) => void;
  /** So many leases may be asked for at a time. */
  readonly ahead: (leases: number) => void;
}

export interface DispatcherOptions {
  readonly prepareOn: PrepareOn;
  /** The coordinator's machine, and the tasks that are done there at a time. */
  readonly machine: string;
  readonly threads: number;
  /** Workers that are here, and do tasks. */
  readonly workers: () => readonly TaskWorker[];
  readonly lend: (worker: string, lease: string) => void;
  readonly withdraw: (worker: string, lease: string) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/** A task that waits, or is being done. */
interface Offer extends Pick<Wanted, 'number'> {
  readonly preparation: Preparation;
  /** Null of one that is done here. */
  readonly lent: Wanted['lent'];
  /** How often a worker that had it was gone. */
  losses: number;
  /** Whether a worker has failed at it: whoever does it here finds out why. */
  hasFailed: boolean;
}

interface Preparation {
  readonly job: string;
  readonly client: Client;
  readonly waiting: Offer[];
  ahead: number;
}

/** A lease of a worker: for one task, until its answer is here. */
export interface TaskLease {
  readonly id: string;
  readonly worker: string;
  readonly job: string;
  /** The task, in the form in which it is borrowed. */
  readonly packed: Uint8Array;
  readonly inputs: ReadonlyMap<string, LentInput>;
  /** What may be sent for it. */
  readonly allowance: Allowance;
}

interface Held extends TaskLease {
  readonly offer: Offer;
  readonly dueMs: number;
}

/** Workers that a task may outlive; then it is done here. */
const MOST_LOSSES = 2;
/** How long a worker is lent nothing after it has failed at a task. */
const PAUSE_MS = 10_000;
/** What a lease may last: sixteen times as long as a slow processor takes, and the way of the inputs. */
const LEAST_LEASE_MS = 30_000;
const LEASE_MS_PER_MEBIBYTE = 4000;

/**
 * Says who does the tasks of preparations: shares leases among preparations, and lends tasks to workers where there is
 * room. A lease that ends without an answer is waiting again.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Whose turn it is. Whether there is room is judged by the place. */
  readonly #pool = new LeasePool(Infinity);
  readonly #preparations = new Map<string, Preparation>();
  readonly #leases = new Map<string, Held>();
  /** Until when workers are lent nothing, by their ids. */
  readonly #paused = new Map<string, number>();
  /** Tasks that are done here, by their preparations' jobs. */
  readonly #here = new Map<string, number>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  join(job: string, priority: number, client: Client): void {
    const preparation: Preparation = { job, client, waiting: [], ahead: 0 };
    this.#preparations.set(job, preparation);
    this.#pool.join(job, priority);
    this.#tellAhead(preparation, this.#room());
  }

  /** A preparation has ended: nobody does its tasks any more. */
  leave(job: string): void {
    const { withdraw } = this.#options;
    for (const { id, worker } of this.#of(job)) {
      this.#leases.delete(id);
      withdraw(worker, id);
    }
    this.#preparations.delete(job);
    this.#here.delete(job);
    this.#pool.leave(job);
    this.#grant();
  }

  want(job: string, { number, lent }: Pick<Wanted, 'number' | 'lent'>): void {
    const preparation = this.#preparations.get(job);
    if (preparation === undefined) return;
    preparation.waiting.push({ number, lent, preparation, losses: 0, hasFailed: false });
    this.#pool.want(job);
    this.#grant();
  }

  /** A task was done here, whatever came of it. */
  giveBack(job: string): void {
    this.#here.set(job, Math.max(0, (this.#here.get(job) ?? 0) - 1));
    this.#pool.giveBack(job);
    this.#grant();
  }

  /** @throws TASK_WITHDRAWN */
  lease(id: string): TaskLease {
    const held = this.#leases.get(id);
    if (held === undefined) throw new RingmasterError('TASK_WITHDRAWN', { lease: id });
    return held;
  }

  /** The file that a worker has sent is here. @throws TASK_WITHDRAWN */
  answered(id: string, path: string): void {
    const held = this.#leases.get(id);
    if (held === undefined) throw new RingmasterError('TASK_WITHDRAWN', { lease: id });
    const { offer, worker, job } = held;
    this.#leases.delete(id);
    this.#pool.giveBack(job);
    offer.preparation.client.answered(offer.number, worker, path);
    this.#grant();
  }

  /** How many tasks of a preparation each does at this moment. */
  doing(job: string): Map<string, number> {
    const doing = new Map([[COORDINATOR, this.#here.get(job) ?? 0]]);
    for (const { worker } of this.#of(job)) doing.set(worker, (doing.get(worker) ?? 0) + 1);
    return doing;
  }

  /** A worker does not do its task: it is done here, and the worker is lent nothing for a while. */
  failed(worker: string, id: string): void {
    const held = this.#leases.get(id);
    if (held?.worker !== worker) return;
    held.offer.hasFailed = true;
    this.#distance(worker);
    this.#repeat(held);
    this.#grant();
  }

  /** A worker has sent what is no answer. */
  pause(worker: string): void {
    this.#distance(worker);
  }

  /** A worker is gone, or comes anew: it has nothing of what it was lent before. */
  gone(worker: string): void {
    for (const held of [...this.#leases.values()].filter((each) => each.worker === worker))
      this.#lose(held);
    this.#grant();
  }

  /** Workers or their slots have changed, or time has passed. */
  review(): void {
    if (this.#preparations.size === 0) return;
    const { clock, withdraw } = this.#options;
    const now = clock();
    for (const [worker, untilMs] of this.#paused) if (now >= untilMs) this.#paused.delete(worker);
    const present = new Set(this.#options.workers().map(({ id }) => id));
    for (const held of this.#leases.values()) {
      if (present.has(held.worker) && now < held.dueMs) continue;
      if (now >= held.dueMs) {
        held.offer.hasFailed = true;
        this.#distance(held.worker);
      }
      withdraw(held.worker, held.id);
      this.#lose(held);
    }
    const room = this.#room();
    for (const preparation of this.#preparations.values()) this.#tellAhead(preparation, room);
    this.#grant();
  }

  #room(): Room {
    const { prepareOn, machine, threads, workers } = this.#options;
    const able = workers().filter(({ id }) => !this.#paused.has(id));
    return { prepareOn, machine, threads, workers: able };
  }

  #tellAhead(preparation: Preparation, room: Room): void {
    const ahead = 2 * capacity(room);
    if (ahead === preparation.ahead) return;
    preparation.ahead = ahead;
    preparation.client.ahead(ahead);
  }

  #distance(worker: string): void {
    this.#paused.set(worker, this.#options.clock() + PAUSE_MS);
  }

  #lose(held: Held): void {
    held.offer.losses++;
    this.#repeat(held);
  }

  /** Has the task of a lease that has ended wait again, before all others. */
  #repeat({ id, job, offer }: Held): void {
    this.#leases.delete(id);
    this.#pool.giveBack(job);
    offer.preparation.waiting.unshift(offer);
    this.#pool.want(job);
  }

  #of(job: string): Held[] {
    return [...this.#leases.values()].filter((held) => held.job === job);
  }

  #grant(): void {
    const room = this.#room();
    for (;;) {
      const load = this.#load();
      const next = (job: string) => {
        for (const offer of this.#preparations.get(job)?.waiting ?? []) {
          const place = placeFor(room, load, isBound(offer));
          if (place !== null) return { offer, place };
        }
        return null;
      };
      const job = this.#pool.grant((waiting) => next(waiting) !== null);
      const granted = job === null ? null : next(job);
      if (job === null || granted === null) return;
      const { offer, place } = granted;
      const { waiting, client } = offer.preparation;
      waiting.splice(waiting.indexOf(offer), 1);
      if (place !== 'here' && offer.lent !== null) this.#lend(place, offer, offer.lent);
      else {
        this.#here.set(job, (this.#here.get(job) ?? 0) + 1);
        client.granted(offer.number);
      }
    }
  }

  #lend(worker: string, offer: Offer, { packed, inputs }: NonNullable<Wanted['lent']>): void {
    const { lend, clock } = this.#options;
    // Who knows it may read the inputs.
    const id = randomBytes(16).toString('hex');
    const bytes = inputs.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#leases.set(id, {
      id,
      worker,
      job: offer.preparation.job,
      packed,
      inputs: new Map(inputs.map((input) => [input.sha256, input])),
      allowance: new Allowance(bytes),
      offer,
      dueMs: clock() + LEAST_LEASE_MS + (LEASE_MS_PER_MEBIBYTE * bytes) / 2 ** 20,
    });
    lend(worker, id);
  }

  #load() {
    const elsewhere = new Map<string, number>();
    for (const { worker } of this.#leases.values())
      elsewhere.set(worker, (elsewhere.get(worker) ?? 0) + 1);
    return { here: [...this.#here.values()].reduce((sum, count) => sum + count, 0), elsewhere };
  }
}

/** Whether a task is done here. */
function isBound({ lent, losses, hasFailed }: Offer): boolean {
  return lent === null || hasFailed || losses >= MOST_LOSSES;
}
