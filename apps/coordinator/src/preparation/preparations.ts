import { availableParallelism, totalmem } from 'node:os';
import { ownMachine } from '@ringmaster/base';
import {
  BlobStore,
  removeAnswersOf,
  removeUnclaimedTasks,
  taskDirectory,
  taskPlatform,
} from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { BackgroundWork } from '../background-work.js';
import { Dispatcher, type TaskLease } from './dispatcher.js';
import type { PreparationMessage, PreparationRequest } from './messages.js';
import type { PrepareOn, TaskWorker } from './placement.js';
import { PreparationProcess } from './preparation-process.js';

/** How long nothing is to be prepared before a process waits for what is. */
const WARM_AFTER_MS = 2000;
/** More data are not prepared at a time: what is small is seldom behind so many. */
const MOST = 4;
/** Memory for each of them: a process takes a gigabyte at the most, and the coordinator and the disk's cache some as well. */
const MEMORY = 2e9;

/** How many data may be prepared at a time, by the bytes of memory that there are. */
export function mostAtOnce(memory: number): number {
  return Math.max(1, Math.min(MOST, Math.floor(memory / MEMORY)));
}

/** What a job's preparation tells of itself. */
export type PreparationNews = Extract<PreparationMessage, { type: 'progress' | 'done' | 'failed' }>;

type Judged = Extract<PreparationMessage, { type: 'judged' }>;

/** The workers, as data preparation needs them. */
export interface TaskFleet {
  /** Workers that are here and do tasks on such a platform. */
  taskWorkers(platform: string): readonly TaskWorker[];
  lendTask(worker: string, lease: string): void;
  withdrawTask(worker: string, lease: string): void;
  /** Has a worker get nothing for a while, for what it has done. */
  quarantine(worker: string, because: string): void;
}

export interface PreparationsOptions {
  readonly background: BackgroundWork;
  readonly prepareOn: PrepareOn;
  readonly fleet: TaskFleet;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  readonly log: Logger;
  /** A task was done. */
  readonly onTask: (by: 'coordinator' | 'workers') => void;
}

interface Current {
  child: PreparationProcess;
  readonly request: PreparationRequest;
  readonly onNews: (news: PreparationNews) => void;
  /** Key of its tasks, once it has begun with them. */
  tasks: string | null;
  /** Workers whose answers it has taken. */
  readonly helpers: Set<string>;
}

/** The processes that prepare data, which share the processors, and the one that waits to be the next. */
export class Preparations {
  readonly #options: PreparationsOptions;
  readonly #dispatcher: Dispatcher;
  /** Of the machine, or of the control group that has less. */
  readonly #most = mostAtOnce(Math.min(totalmem(), process.constrainedMemory() || Infinity));
  readonly #current = new Map<string, Current>();
  /** Has loaded everything: data that were prepared before are found without waiting for that. */
  #spare: PreparationProcess | null = null;
  #warming: NodeJS.Timeout | null = null;

  constructor(options: PreparationsOptions) {
    const { background, prepareOn, fleet, clock } = options;
    this.#options = options;
    const platform = taskPlatform();
    this.#dispatcher = new Dispatcher({
      prepareOn,
      machine: ownMachine(),
      threads: availableParallelism(),
      workers: () => fleet.taskWorkers(platform),
      lend: (worker, lease) => {
        fleet.lendTask(worker, lease);
      },
      withdraw: (worker, lease) => {
        fleet.withdrawTask(worker, lease);
      },
      clock,
    });
    background.signal.addEventListener('abort', () => {
      if (this.#warming !== null) clearTimeout(this.#warming);
      this.#spare?.kill();
    });
  }

  /** Jobs whose data are being prepared. */
  get jobs(): string[] {
    return [...this.#current.keys()];
  }

  /** Whether as many data are being prepared as may be at a time. */
  get isFull(): boolean {
    return this.#current.size >= this.#most;
  }

  /** Has a process wait for what is to be prepared next, unless one does or data are being prepared. */
  warm(): void {
    const { background } = this.#options;
    if (this.#spare !== null || this.#current.size > 0 || background.signal.aborted) return;
    this.#keep(this.#start());
  }

  /** Has it be the one that prepares next. */
  #keep(spare: PreparationProcess): void {
    this.#spare = spare;
    void spare.gone.then(() => {
      if (this.#spare === spare) this.#spare = null;
    });
  }

  /** Does so in a while: what comes and goes at once has none. */
  warmSoon(): void {
    if (this.#options.background.signal.aborted) return;
    if (this.#warming !== null) clearTimeout(this.#warming);
    this.#warming = setTimeout(() => {
      this.warm();
    }, WARM_AFTER_MS);
  }

  /** Prepares the data of a job; what is told last is `done` or `failed`, unless it is stopped. */
  start(job: string, request: PreparationRequest, onNews: (news: PreparationNews) => void): void {
    const child = this.#spare?.isReady === true ? this.#spare : this.#start();
    this.#spare = null;
    const current: Current = { child, request, onNews, tasks: null, helpers: new Set() };
    this.#current.set(job, current);
    this.#begin(job, current);
  }

  /**
   * Ends the preparation of a job, if it has one.
   * @param isForGood Whether what its tasks have given is of no use; it is kept for the next one otherwise.
   */
  stop(job: string, isForGood: boolean): void {
    const current = this.#current.get(job);
    if (current === undefined) return;
    const { child, request, tasks } = current;
    this.#forget(job);
    child.kill();
    if (isForGood && tasks !== null) {
      const store = new BlobStore(request.artifacts);
      const removed = child.gone.then(() => removeUnclaimedTasks(store, tasks));
      // What cannot be removed now is when it is old.
      void this.#options.background.add(removed.catch(() => undefined));
    }
    this.warmSoon();
  }

  /** A lease of a worker, and the directory of the preparation whose task it is for. @throws TASK_WITHDRAWN */
  lease(id: string): TaskLease & { readonly directory: string } {
    const lease = this.#dispatcher.lease(id);
    const directory = directoryOf(this.#current.get(lease.job));
    if (directory === null) throw new RingmasterError('TASK_WITHDRAWN', { lease: id });
    return { ...lease, directory };
  }

  /** The answer to a task that was lent is in this file. @throws TASK_WITHDRAWN */
  answered(id: string, path: string): void {
    this.#dispatcher.answered(id, path);
  }

  /** A worker does not do a task that it was lent. */
  onTaskFailed(worker: string, lease: string, reason: string): void {
    this.#options.log.warn({ worker, lease, reason }, 'a worker does not do a task');
    this.#dispatcher.failed(worker, lease);
  }

  /** A worker has come, be it again, and has nothing of what it was lent before. */
  onWorker(worker: string): void {
    this.#dispatcher.gone(worker);
  }

  /** Workers or their slots have changed, or time has passed. */
  review(): void {
    this.#dispatcher.review();
  }

  /** Has the process of a preparation, which has been told nothing yet, prepare. */
  #begin(job: string, current: Current): void {
    const { child, request } = current;
    const isOver = () => this.#current.get(job) !== current || current.child !== child;
    const end = (news: PreparationNews) => {
      this.#forget(job);
      if (news.type === 'done' && news.stays) this.#takeBack(child);
      current.onNews(news);
      this.warmSoon();
    };
    child.begin(
      { type: 'prepare', request },
      {
        onMessage: (message) => {
          if (isOver()) return;
          switch (message.type) {
            case 'lease-wanted':
              this.#dispatcher.want(job, message);
              break;
            case 'lease-returned':
              this.#options.onTask('coordinator');
              this.#dispatcher.giveBack(job);
              break;
            case 'judged':
              this.#onJudged(job, current, message);
              break;
            case 'began':
              current.tasks = message.tasks;
              break;
            case 'progress':
              current.onNews(message);
              break;
            default:
              end(message);
          }
        },
        onGone: (reason) => {
          if (isOver()) return;
          const error = new RingmasterError('PREPARATION_DIED', { id: job, reason });
          end({ type: 'failed', error: error.toBody() });
        },
      },
    );
    this.#dispatcher.join(job, request.spec.priority, {
      granted: (number) => {
        child.tell({ type: 'lease', number });
      },
      answered: (number, worker, path) => {
        child.tell({ type: 'answered', number, worker, path });
      },
      ahead: (leases) => {
        child.tell({ type: 'ahead', leases });
      },
    });
  }

  #onJudged(job: string, current: Current, { worker, task, verdict, reason }: Judged): void {
    switch (verdict) {
      case 'accepted':
        current.helpers.add(worker);
        this.#options.onTask('workers');
        break;
      case 'refused':
        this.#dispatcher.pause(worker);
        this.#options.log.warn(
          { job, worker, task, reason },
          'a worker has sent no answer to a task',
        );
        break;
      case 'wrong':
        current.helpers.add(worker);
        this.#options.fleet.quarantine(
          worker,
          `its answer to a task of the data preparation of job ${job} (${task}) differs from that of the coordinator's machine. What it has answered is done again`,
        );
        for (const [other, its] of this.#current)
          if (its.helpers.has(worker)) void this.#repeat(other, its, worker);
    }
  }

  /** Begins a preparation anew, without the answers of a worker that is not to be believed. */
  async #repeat(job: string, current: Current, worker: string): Promise<void> {
    const { background } = this.#options;
    const { child, helpers } = current;
    const directory = directoryOf(current);
    helpers.delete(worker);
    this.#dispatcher.leave(job);
    current.child = this.#start();
    child.kill();
    await background.add(
      child.gone.then(async () => {
        if (directory !== null) await removeAnswersOf(directory, worker);
      }),
    );
    if (this.#current.get(job) === current) this.#begin(job, current);
    else current.child.kill();
  }

  /** Has a process that stays be the next one, or ends it where one waits already. */
  #takeBack(child: PreparationProcess): void {
    child.release();
    if (this.#spare === null && !this.#options.background.signal.aborted) this.#keep(child);
    else child.kill();
  }

  #forget(job: string): void {
    this.#current.delete(job);
    this.#dispatcher.leave(job);
  }

  #start(): PreparationProcess {
    const started = new PreparationProcess();
    // One that is ended writes until it is gone.
    void this.#options.background.add(started.gone);
    return started;
  }
}

/** Where a preparation has its tasks; null before it has begun with them. */
function directoryOf(current: Current | undefined): string | null {
  if (current === undefined || current.tasks === null) return null;
  return taskDirectory(new BlobStore(current.request.artifacts).root, current.tasks);
}
