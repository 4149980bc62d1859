import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { ThreadAnswer } from './task.thread.js';
import { tasks, type TaskAnswer, type TaskName, type TaskRequest } from './tasks.js';

/** Tasks that a thread has before it, so that it never waits for the one who takes. */
const AHEAD = 2;

/** Threads that do the tasks of one preparation. */
export class TaskPool {
  readonly #size: number;
  readonly #threads: TaskThread[] = [];

  /** @param size How many threads; with one, everything is done by the calling thread. */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * The answers to requests, in their order, however many threads there are; few are asked for before they are taken.
   * @throws What the task throws, for the first request in that order.
   */
  async *answers<Name extends TaskName>(
    name: Name,
    requests: Iterable<TaskRequest<Name>>,
  ): AsyncGenerator<TaskAnswer<Name>> {
    const asked: Promise<TaskAnswer<Name>>[] = [];
    let next = 0;
    for (const request of requests) {
      asked.push(this.#ask(next++, name, request));
      if (asked.length < Math.max(1, AHEAD * this.#size)) continue;
      const first = asked.shift();
      if (first !== undefined) yield await first;
    }
    for (const answer of asked) yield await answer;
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  #ask<Name extends TaskName>(
    number: number,
    name: Name,
    request: TaskRequest<Name>,
  ): Promise<TaskAnswer<Name>> {
    const run = tasks[name] as (request: TaskRequest<Name>) => Promise<TaskAnswer<Name>>;
    if (this.#size <= 1) return Promise.resolve(request).then(run);
    const thread = (this.#threads[number % this.#size] ??= new TaskThread());
    return thread.ask(name, request) as Promise<TaskAnswer<Name>>;
  }
}

interface Pending {
  readonly resolve: (answer: TaskAnswer<TaskName>) => void;
  readonly reject: (error: Error) => void;
}

/** The asking side of `task.thread.ts`. */
class TaskThread {
  readonly #worker = new Worker(new URL('./task.thread.js', import.meta.url), { name: 'task' });
  /** Requests that wait, in the order of the requests, which is that of the answers. */
  #pending: Pending[] = [];
  #failure: Error | null = null;

  constructor() {
    this.#worker.on('message', (answer: ThreadAnswer) => {
      const first = this.#pending.shift();
      if ('answer' in answer) first?.resolve(answer.answer);
      else first?.reject(RingmasterError.fromBody(answer.error));
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`a thread of data preparation ended with code ${code}`));
    });
  }

  ask<Name extends TaskName>(
    name: Name,
    request: TaskRequest<Name>,
  ): Promise<TaskAnswer<TaskName>> {
    const answer = new Promise<TaskAnswer<TaskName>>((resolve, reject) => {
      if (this.#failure !== null) reject(this.#failure);
      else this.#pending.push({ resolve, reject });
    });
    // One that fails before its turn is thrown in its turn; after an earlier failure nobody asks.
    answer.catch(() => undefined);
    this.#worker.postMessage({ name, request });
    return answer;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending) reject(error);
    this.#pending = [];
  }
}
