import { availableParallelism, totalmem } from 'node:os';
import { BlobStore, removeUnclaimedTasks } from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';
import type { BackgroundWork } from '../background-work.js';
import { LeasePool } from './lease-pool.js';
import type { PreparationMessage, PreparationRequest } from './messages.js';
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

interface Current {
  readonly child: PreparationProcess;
  /** Directory of the artifact store. */
  readonly artifacts: string;
  /** Key of its tasks, once it has begun with them. */
  tasks: string | null;
}

/** The processes that prepare data, which share the processors, and the one that waits to be the next. */
export class Preparations {
  readonly #background: BackgroundWork;
  readonly #pool = new LeasePool(availableParallelism());
  /** Of the machine, or of the control group that has less. */
  readonly #most = mostAtOnce(Math.min(totalmem(), process.constrainedMemory() || Infinity));
  readonly #current = new Map<string, Current>();
  /** Has loaded everything: data that were prepared before are found without waiting for that. */
  #spare: PreparationProcess | null = null;
  #warming: NodeJS.Timeout | null = null;

  constructor(background: BackgroundWork) {
    this.#background = background;
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
    if (this.#spare !== null || this.#current.size > 0 || this.#background.signal.aborted) return;
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
    if (this.#background.signal.aborted) return;
    if (this.#warming !== null) clearTimeout(this.#warming);
    this.#warming = setTimeout(() => {
      this.warm();
    }, WARM_AFTER_MS);
  }

  /** Prepares the data of a job; what is told last is `done` or `failed`, unless it is stopped. */
  start(job: string, request: PreparationRequest, onNews: (news: PreparationNews) => void): void {
    const child = this.#spare?.isReady === true ? this.#spare : this.#start();
    this.#spare = null;
    const current: Current = { child, artifacts: request.artifacts, tasks: null };
    this.#current.set(job, current);
    this.#pool.join(job, request.spec.priority);
    const isOver = () => this.#current.get(job) !== current;
    const end = (news: PreparationNews) => {
      this.#forget(job);
      if (news.type === 'done' && news.stays) this.#takeBack(child);
      onNews(news);
      this.warmSoon();
    };
    child.begin(
      { type: 'prepare', request },
      {
        onMessage: (message) => {
          if (isOver()) return;
          switch (message.type) {
            case 'lease-wanted':
              this.#pool.want(job);
              this.#grant();
              break;
            case 'lease-returned':
              this.#pool.giveBack(job);
              this.#grant();
              break;
            case 'began':
              current.tasks = message.tasks;
              break;
            case 'progress':
              onNews(message);
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
  }

  /**
   * Ends the preparation of a job, if it has one.
   * @param isForGood Whether what its tasks have given is of no use; it is kept for the next one otherwise.
   */
  stop(job: string, isForGood: boolean): void {
    const current = this.#current.get(job);
    if (current === undefined) return;
    const { child, artifacts, tasks } = current;
    this.#forget(job);
    child.kill();
    if (isForGood && tasks !== null) {
      const removed = child.gone.then(() => removeUnclaimedTasks(new BlobStore(artifacts), tasks));
      // What cannot be removed now is when it is old.
      void this.#background.add(removed.catch(() => undefined));
    }
    this.warmSoon();
  }

  /** Has a process that stays be the next one, or ends it where one waits already. */
  #takeBack(child: PreparationProcess): void {
    child.release();
    if (this.#spare === null && !this.#background.signal.aborted) this.#keep(child);
    else child.kill();
  }

  #forget(job: string): void {
    this.#current.delete(job);
    this.#pool.leave(job);
    this.#grant();
  }

  #grant(): void {
    for (let job = this.#pool.grant(); job !== null; job = this.#pool.grant())
      this.#current.get(job)?.child.tell({ type: 'lease' });
  }

  #start(): PreparationProcess {
    const started = new PreparationProcess();
    // One that is ended writes until it is gone.
    void this.#background.add(started.gone);
    return started;
  }
}
