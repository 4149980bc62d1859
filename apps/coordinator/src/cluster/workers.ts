import type { WorkerMessage, WorkerView } from '@ringmaster/protocol';
import { workerId } from '../identifiers.js';
import type { Offer } from '../scheduler/demand.js';

export type Registration = Extract<WorkerMessage, { type: 'register' }>;

/** A trainer that sits in a slot, be it that it is still being ended. */
interface Occupant {
  readonly job: string;
  pid: number | null;
}

export interface Worker {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly slots: number;
  readonly threads: number;
  readonly device: 'cpu' | 'gpu';
  /** Routing id of its connection. */
  peer: string;
  state: WorkerView['state'];
  lastHeardMs: number;
  readonly trainers: Map<string, Occupant>;
}

/** How long a worker that is gone is still listed. */
const REMEMBERED_MS = 10 * 60_000;

/** Who is in the cluster, by leases. Times are milliseconds of a clock that never goes back. */
export class Workers {
  readonly #workers = new Map<string, Worker>();
  readonly #leaseMs: number;
  #sweptMs: number;

  constructor(leaseMs: number, nowMs: number) {
    this.#leaseMs = leaseMs;
    this.#sweptMs = nowMs;
  }

  /**
   * Takes a worker in, or in again.
   * @returns The worker, and the trainers that it was thought to have and has not.
   */
  register(peer: string, message: Registration, nowMs: number): { worker: Worker; gone: string[] } {
    const { host, pid, slots, threads, device } = message;
    const id = workerId(host, pid);
    const before = this.#workers.get(id);
    const trainers = new Map(
      message.trainers.map((held) => [held.trainer, { job: held.job, pid: held.pid }] as const),
    );
    const gone = [...(before?.trainers.keys() ?? [])].filter((trainer) => !trainers.has(trainer));
    const lastHeardMs = nowMs;
    const worker: Worker = {
      ...{ id, host, pid, slots, threads, device, peer, lastHeardMs, trainers },
      state: 'alive',
    };
    this.#workers.set(id, worker);
    return { worker, gone };
  }

  /** The living worker at this connection; hearing from it renews its lease. */
  hear(peer: string, nowMs: number): Worker | null {
    for (const worker of this.#workers.values()) {
      if (worker.peer !== peer || worker.state !== 'alive') continue;
      worker.lastHeardMs = nowMs;
      return worker;
    }
    return null;
  }

  get(id: string): Worker | null {
    return this.#workers.get(id) ?? null;
  }

  /** The living worker that has this trainer. */
  holding(trainer: string): Worker | null {
    return this.alive().find(({ trainers }) => trainers.has(trainer)) ?? null;
  }

  alive(): Worker[] {
    return [...this.#workers.values()].filter(({ state }) => state === 'alive');
  }

  /** Takes a worker off; returns the trainers that go with it. */
  remove(worker: Worker, state: 'lost' | 'left'): string[] {
    const trainers = [...worker.trainers.keys()];
    worker.state = state;
    worker.trainers.clear();
    return trainers;
  }

  /**
   * Workers whose lease has run out. After a pause of this process itself (a suspended machine), during which nobody
   * could be heard, everyone gets a new lease instead.
   */
  expired(nowMs: number): Worker[] {
    const paused = nowMs - this.#sweptMs > this.#leaseMs / 2;
    this.#sweptMs = nowMs;
    for (const worker of this.#workers.values()) {
      if (worker.state !== 'alive' && nowMs - worker.lastHeardMs > REMEMBERED_MS) {
        this.#workers.delete(worker.id);
      }
      if (paused && worker.state === 'alive') worker.lastHeardMs = nowMs;
    }
    return this.alive().filter(({ lastHeardMs }) => nowMs - lastHeardMs > this.#leaseMs);
  }

  offers(): Offer[] {
    return this.alive().map(({ id, slots, threads, device, trainers }) => ({
      ...{ worker: id, slots, threads, device },
      free: Math.max(0, slots - trainers.size),
    }));
  }

  views(): WorkerView[] {
    return [...this.#workers.values()]
      .map(({ id, host, pid, slots, threads, device, state, trainers }) => {
        const newest = [...trainers.values()].at(-1);
        return {
          ...{ id, host, pid, slots, threads, device, state },
          trainerPid: newest?.pid ?? null,
          job: newest?.job ?? null,
        };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
