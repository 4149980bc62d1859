import { readFileSync } from 'node:fs';
import { startTimeOf } from '@ringmaster/base';
import { isFinal, type JobView } from '@ringmaster/protocol';
import type { Cluster } from './cluster.js';
import { until } from './patience.js';
import type { HarnessProcess } from './process.js';

export { signal } from './process.js';

/** A worker whose trainer computes for the run. */
export interface Victim {
  /** Id that the coordinator knows the worker by. */
  readonly id: string;
  readonly worker: HarnessProcess;
  readonly trainer: number;
}

/** Longest that a run may be without any victim: trainers load, or a coordinator comes up. */
const VICTIM_MS = 90_000;

/** There is nobody to whom an event could happen. */
export class RunIsOver extends Error {}

/** Where events happen: one run on one cluster. */
export class Stage {
  readonly cluster: Cluster;
  /** Id of the job. */
  readonly job: string;

  constructor(cluster: Cluster, job: string) {
    this.cluster = cluster;
    this.job = job;
  }

  /** The job as soon as the coordinator can tell. */
  view(): Promise<JobView> {
    return until('an answer about the job', () => this.cluster.api.job(this.job), VICTIM_MS);
  }

  async isOver(): Promise<boolean> {
    return isFinal((await this.view()).state);
  }

  /** Trainers that compute for the run now; there is one at least. @throws RunIsOver */
  async victims(): Promise<[Victim, ...Victim[]]> {
    return until(
      'somebody who computes for the run',
      async () => {
        const [first, ...rest] = await this.computing();
        if (first !== undefined) return [first, ...rest];
        if (await this.isOver()) throw new RunIsOver();
        return null;
      },
      VICTIM_MS,
    );
  }

  /** The one of them that a number in [0, 1) picks. */
  async victim(pick: number): Promise<Victim> {
    const victims = await this.victims();
    return victims[Math.floor(pick * victims.length)] ?? victims[0];
  }

  /** Whether the run has a ring of one, which sends nothing to anybody. */
  async isAlone(): Promise<boolean> {
    return (await this.view()).workers.length < 2;
  }

  /** The same, and nobody where the run is over. */
  async computing(): Promise<Victim[]> {
    const views = await this.cluster.api.workers();
    return this.cluster.workers.flatMap((worker) => {
      const startTime = startTimeOf(worker.pid);
      const own = worker.namespaced ? 1 : worker.pid;
      const view = views.find(
        (one) => one.pid === own && one.startTime === startTime && one.state === 'alive',
      );
      if (view?.job !== this.job || view.trainerPid === null) return [];
      const trainer = hereOf(worker, view.trainerPid);
      return trainer === null ? [] : [{ id: view.id, worker, trainer }];
    });
  }
}

/** The id here of a child of a worker, which names it by the id that it has in the worker's namespace. */
function hereOf(worker: HarnessProcess, inner: number): number | null {
  if (!worker.namespaced) return inner;
  const children = contentOf(`/proc/${worker.pid}/task/${worker.pid}/children`).trim().split(' ');
  const found = children.find((pid) =>
    new RegExp(`^NSpid:.*\\s${inner}$`, 'm').test(contentOf(`/proc/${pid}/status`)),
  );
  return found === undefined ? null : Number(found);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}
