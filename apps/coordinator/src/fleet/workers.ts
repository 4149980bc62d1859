import {
  detection,
  type MemoryOffer,
  type ProcessIdentity,
  type TaskOffer,
  type WorkerMessage,
  type WorkerView,
} from '@ringmaster/protocol';
import { workerId } from '../identifiers.js';
import type { TaskWorker } from '../preparation/placement.js';
import type { Offer } from '../scheduler/demand.js';
import { atTime, sound, type Health } from './health.js';

export type Registration = Extract<WorkerMessage, { type: 'register' }>;

/** A trainer that sits in a slot, be it that it is still being ended. */
export interface Occupant {
  readonly job: string;
  pid: number | null;
  /** Whether its end would tell against the worker: it has not made a step yet, and nobody has ended it. */
  unproven: boolean;
}

export interface Worker extends ProcessIdentity {
  readonly id: string;
  readonly host: string;
  readonly slots: number;
  readonly threads: number;
  readonly device: 'cpu' | 'gpu';
  /** Where its trainers run: its machine, and there the processes that can share memory. */
  readonly place: readonly string[];
  readonly processor: string;
  /** What its trainers may take; null where it does not tell. */
  readonly memory: MemoryOffer | null;
  /** What it says of itself where it does tasks of data preparation. */
  readonly tasks: TaskOffer | null;
  /** Id of the token that it registered with; null where none is asked for. */
  readonly token: string | null;
  /** Routing id of its connection; null once that is broken: then it has to register again. */
  peer: string | null;
  presence: 'here' | 'lost' | 'left';
  /** Whether the worker wants to go. */
  leaving: boolean;
  /** Whether the worker has told everything that it had to tell when it registered. */
  settled: boolean;
  health: Health;
  lastHeardMs: number;
  readonly trainers: Map<string, Occupant>;
}

/** How long a worker that is gone is still listed. */
const REMEMBERED_MS = 10 * 60_000;

/** The workers of the cluster, by leases. Times are milliseconds of a clock that never goes back. */
export class Workers {
  readonly #workers = new Map<string, Worker>();
  /** By routing id; every message is looked up here. */
  readonly #byPeer = new Map<string, Worker>();
  readonly #leaseMs: number;
  #sweptMs: number;

  constructor(leaseMs: number, nowMs: number) {
    this.#leaseMs = leaseMs;
    this.#sweptMs = nowMs;
  }

  /**
   * Takes a worker in, or in again. One that repeats itself over the same connection has not read yet what it was sent
   * there meanwhile: trainers that it was told to launch are on their way, not gone.
   * @param token Id of the token that it has come by.
   */
  register(
    peer: string,
    message: Registration,
    nowMs: number,
    token: string | null = null,
  ): Worker {
    const { host, machine, namespace, pid, startTime, slots, threads } = message;
    const { device, processor, memory, tasks } = message;
    const id = workerId(message);
    const before = this.#workers.get(id);
    const trainers = message.trainers.map((held): [string, Occupant] => {
      const unproven = before?.trainers.get(held.trainer)?.unproven ?? false;
      return [held.trainer, { job: held.job, pid: held.pid, unproven }];
    });
    const underWay = before?.peer === peer && before.presence === 'here' ? before.trainers : [];
    const worker: Worker = {
      id,
      host,
      namespace,
      pid,
      startTime,
      slots,
      threads,
      device,
      processor,
      memory,
      tasks,
      token,
      peer,
      lastHeardMs: nowMs,
      place: [machine, namespace],
      presence: 'here',
      leaving: before?.leaving ?? false,
      settled: false,
      health: before?.health ?? sound,
      trainers: new Map([...underWay, ...trainers]),
    };
    if (before !== undefined) this.#forgetPeer(before);
    this.#workers.set(id, worker);
    this.#byPeer.set(peer, worker);
    return worker;
  }

  /** The worker at this connection; hearing from it renews its lease. */
  hear(peer: string, nowMs: number): Worker | null {
    const worker = this.#at(peer);
    if (worker !== null) worker.lastHeardMs = nowMs;
    return worker;
  }

  /**
   * A message to this connection was not delivered. A worker that is still there notices, connects anew and
   * registers within milliseconds; for one that is gone there is no use in waiting longer.
   */
  cutOff(peer: string, nowMs: number): void {
    const worker = this.#at(peer);
    if (worker === null) return;
    this.#forgetPeer(worker);
    worker.peer = null;
    const latest = nowMs - this.#leaseMs + detection.brokenMs;
    worker.lastHeardMs = Math.min(worker.lastHeardMs, latest);
  }

  get(id: string): Worker | null {
    return this.#workers.get(id) ?? null;
  }

  /** The worker that has this trainer. */
  holding(trainer: string): Worker | null {
    return this.present().find(({ trainers }) => trainers.has(trainer)) ?? null;
  }

  /** Workers within their lease, whether they take trainers or not. */
  present(): Worker[] {
    return [...this.#workers.values()].filter(({ presence }) => presence === 'here');
  }

  /** Takes a worker off; returns the trainers that go with it. */
  remove(worker: Worker, presence: 'lost' | 'left'): string[] {
    const trainers = [...worker.trainers.keys()];
    this.#forgetPeer(worker);
    worker.presence = presence;
    worker.trainers.clear();
    return trainers;
  }

  /**
   * Lets time pass: workers whose lease has run out. After a pause of this process itself (a suspended machine), during
   * which nobody could be heard, everyone gets a new lease instead.
   */
  expired(nowMs: number): Worker[] {
    const paused = nowMs - this.#sweptMs > this.#leaseMs / 2;
    this.#sweptMs = nowMs;
    for (const worker of this.#workers.values()) {
      worker.health = atTime(worker.health, nowMs);
      if (worker.presence !== 'here' && nowMs - worker.lastHeardMs > REMEMBERED_MS) {
        this.#workers.delete(worker.id);
      }
      if (paused && worker.presence === 'here') worker.lastHeardMs = nowMs;
    }
    return this.present().filter(({ lastHeardMs }) => nowMs - lastHeardMs > this.#leaseMs);
  }

  /** The slots of workers that take trainers. */
  offers(): Offer[] {
    return this.present()
      .filter((worker) => worker.peer !== null && stateOf(worker) === 'alive')
      .map(({ id, slots, threads, device, memory, trainers }) => ({
        worker: id,
        slots,
        threads,
        device,
        memory,
        free: Math.max(0, slots - trainers.size),
      }));
  }

  /** Workers that do tasks of data preparation on such a platform, with the threads of their slots that have no trainer. */
  taskWorkers(platform: string): TaskWorker[] {
    return this.present().flatMap((worker) => {
      const { id, tasks, slots, threads, trainers, place } = worker;
      if (tasks?.platform !== platform || worker.peer === null || stateOf(worker) !== 'alive')
        return [];
      const free = Math.max(0, slots - trainers.size);
      return [
        { id, machine: place[0] ?? '', processors: tasks.processors, threads: free * threads },
      ];
    });
  }

  /** Workers by id, so many at most, behind a given one. */
  views(limit = Infinity, behind: string | null = null): WorkerView[] {
    return [...this.#workers.values()]
      .filter(({ id }) => behind === null || id > behind)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(viewOf);
  }

  /** How many workers are in each state. */
  counts(): Record<WorkerView['state'], number> {
    const counts = { alive: 0, leaving: 0, quarantined: 0, lost: 0, left: 0 };
    for (const worker of this.#workers.values()) counts[stateOf(worker)]++;
    return counts;
  }

  #at(peer: string): Worker | null {
    return this.#byPeer.get(peer) ?? null;
  }

  #forgetPeer(worker: Worker): void {
    const { peer } = worker;
    if (peer !== null && this.#byPeer.get(peer) === worker) this.#byPeer.delete(peer);
  }
}

function viewOf(worker: Worker): WorkerView {
  const { id, host, namespace, pid, startTime, slots, threads, device, memory, trainers } = worker;
  const newest = [...trainers.values()].at(-1);
  return {
    id,
    host,
    namespace,
    pid,
    startTime,
    trainerPid: newest?.pid ?? null,
    slots,
    threads,
    device,
    memory: memory?.bytes ?? null,
    state: stateOf(worker),
    job: newest?.job ?? null,
  };
}

function stateOf({ presence, leaving, health }: Worker): WorkerView['state'] {
  if (presence !== 'here') return presence;
  if (leaving) return 'leaving';
  return health.quarantinedUntil === null ? 'alive' : 'quarantined';
}
