import { availableParallelism, totalmem } from 'node:os';
import { ownMachine } from '@ringmaster/base';
import {
  BlobStore,
  directoriesWithAnswersOf,
  removeAnswersOf,
  taskPlatform,
} from '@ringmaster/data';
import { RingmasterError, type PreparerView } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { BackgroundWork } from '../background-work.js';
import { mostAtOnce } from './at-once.js';
import { directoryOf, discard, type Current, type PreparationNews } from './current.js';
import { Dispatcher, type TaskLease } from './dispatcher.js';
import type { PreparationMessage, PreparationRequest } from './messages.js';
import type { PrepareOn, TaskWorker } from './placement.js';
import { PreparationProcesses } from './preparation-processes.js';
import { COORDINATOR, preparersOf } from './preparers.js';

type Failed = Extract<PreparationMessage, { type: 'failed' }>;
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

/** The preparations of data that are going on, each in a process of its own, which share the processors. */
export class Preparations {
  readonly #options: PreparationsOptions;
  readonly #processes: PreparationProcesses;
  readonly #dispatcher: Dispatcher;
  /** Of the machine, or of the control group that has less. */
  readonly #most = mostAtOnce(Math.min(totalmem(), process.constrainedMemory() || Infinity));
  readonly #current = new Map<string, Current>();
  constructor(options: PreparationsOptions) {
    const { background, prepareOn, fleet, clock } = options;
    this.#options = options;
    this.#processes = new PreparationProcesses(background, () => this.#current.size === 0);
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
    this.#processes.warm();
  }

  /** Does so in a while: what comes and goes at once has none. */
  warmSoon(): void {
    this.#processes.warmSoon();
  }

  /** Prepares the data of a job; what is told last is `done` or `failed`, unless it is stopped. */
  start(job: string, request: PreparationRequest, onNews: (news: PreparationNews) => void): void {
    const current: Current = {
      child: this.#processes.take(),
      request,
      onNews,
      tasks: null,
      helpers: new Set(),
      done: new Map(),
      isAlone: false,
      cleared: Promise.resolve(),
    };
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
    this.#forget(job);
    current.child.kill();
    if (isForGood) void this.#options.background.add(discard(current));
    this.warmSoon();
  }

  /** Who does the tasks of a job's preparation, and how many; nobody where it has none. */
  preparersOf(job: string): PreparerView[] {
    const current = this.#current.get(job);
    return current === undefined ? [] : preparersOf(this.#dispatcher.doing(job), current.done);
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
      if (news.type === 'failed' && this.#isDoubted(job, current, news)) return;
      this.#forget(job);
      if (news.type === 'done' && news.stays) this.#processes.takeBack(child);
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
              this.#dispatcher.want(job, current.isAlone ? { ...message, lent: null } : message);
              break;
            case 'lease-returned':
              this.#onTask(current, COORDINATOR);
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
        current.helpers.add(worker);
        child.tell({ type: 'answered', number, worker, path });
      },
      ahead: (leases) => {
        child.tell({ type: 'ahead', leases });
      },
    });
  }

  #onTask({ done }: Current, by: string): void {
    done.set(by, (done.get(by) ?? 0) + 1);
    this.#options.onTask(by === COORDINATOR ? by : 'workers');
  }

  #onJudged(job: string, current: Current, { worker, task, verdict, reason }: Judged): void {
    switch (verdict) {
      case 'accepted':
        this.#onTask(current, worker);
        break;
      case 'refused':
        this.#dispatcher.pause(worker);
        this.#options.log.warn(
          { job, worker, task, reason },
          'a worker has sent no answer to a task',
        );
        break;
      case 'wrong':
        this.#options.fleet.quarantine(
          worker,
          `its answer to a task of the data preparation of job ${job} (${task}) differs from that of the coordinator's machine. What it has answered is done again`,
        );
        this.#distrust(worker, new BlobStore(current.request.artifacts));
    }
  }

  /** Has nothing be left of what a worker has answered, be it now or before, and to a preparation that does not go on now. */
  #distrust(worker: string, store: BlobStore): void {
    const answered = new Set(directoriesWithAnswersOf(store, worker));
    for (const [job, its] of this.#current) {
      const directory = directoryOf(its);
      if (directory === null) continue;
      const hasAnswers = answered.delete(directory);
      if (its.helpers.delete(worker) || hasAnswers)
        this.#repeat(job, its, () => removeAnswersOf(directory, worker));
    }
    // What cannot be removed now is when it is old.
    for (const directory of answered)
      void this.#options.background.add(removeAnswersOf(directory, worker).catch(() => undefined));
  }

  /**
   * Whether a preparation that has failed begins anew: by what workers have answered something came about that cannot be, and
   * nobody knows which of them it was. Then it has no more of them.
   */
  #isDoubted(job: string, current: Current, { error }: Failed): boolean {
    if (error.code !== 'INTERNAL' || current.helpers.size === 0) return false;
    const workers = [...current.helpers];
    const what =
      'a preparation that workers had a part in has failed, and begins anew without them';
    this.#options.log.warn({ job, workers, reason: error.message }, what);
    current.helpers.clear();
    current.isAlone = true;
    // Its process has removed all of it.
    this.#repeat(job, current, () => Promise.resolve());
    return true;
  }

  /**
   * Has a preparation begin anew, or fail where what it is not to begin with cannot be removed.
   * @param clear Removes that, as soon as nobody uses it.
   */
  #repeat(job: string, current: Current, clear: () => Promise<void>): void {
    const { child } = current;
    const next = this.#processes.start();
    current.child = next;
    this.#dispatcher.leave(job);
    child.kill();
    current.cleared = Promise.all([current.cleared, child.gone.then(clear)]);
    const goOn = (failure: Error | null) => {
      // Another one may have taken its place meanwhile, which begins when all is cleared.
      if (current.child !== next) return;
      if (this.#current.get(job) !== current) next.kill();
      else if (failure === null) this.#begin(job, current);
      else {
        this.#forget(job);
        next.kill();
        void this.#options.background.add(discard(current));
        const reason = `what is not to be believed cannot be removed: ${failure.message}`;
        const error = new RingmasterError('PREPARATION_DIED', { id: job, reason });
        current.onNews({ type: 'failed', error: error.toBody() });
        this.warmSoon();
      }
    };
    const cleared = current.cleared.then(
      () => {
        goOn(null);
      },
      (error: unknown) => {
        goOn(error instanceof Error ? error : new Error(String(error)));
      },
    );
    void this.#options.background.add(cleared);
  }

  #forget(job: string): void {
    this.#current.delete(job);
    this.#dispatcher.leave(job);
  }
}
