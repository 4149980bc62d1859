import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import { writeAnswer } from './answer-file.js';
import type { ThreadAnswer, ThreadRequest } from './task.thread.js';
import { doTask, type Task } from './tasks.js';

/** Threads that do tasks, each one at a time. They are started as they are wanted. */
export class TaskThreads {
  readonly #isAlone: boolean;
  readonly #all = new Set<TaskThread>();
  #idle: TaskThread[] = [];

  /** @param isAlone Whether no task is done beside another: then the calling thread does them. */
  constructor(isAlone: boolean) {
    this.#isAlone = isAlone;
  }

  /**
   * Does a task and writes its answer.
   * @param signal Ends the thread that does it, and so the task.
   * @throws what the task throws
   */
  async run(task: Task, path: string, signal?: AbortSignal): Promise<void> {
    if (this.#isAlone) {
      writeAnswer(path, await doTask(task));
      return;
    }
    signal?.throwIfAborted();
    const thread = this.#idle.pop() ?? this.#start();
    const end = () => void thread.end();
    signal?.addEventListener('abort', end, { once: true });
    try {
      await thread.ask({ task, path });
    } finally {
      signal?.removeEventListener('abort', end);
      if (thread.isAlive) this.#idle.push(thread);
      else this.#all.delete(thread);
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.end()));
  }

  #start(): TaskThread {
    const thread = new TaskThread();
    this.#all.add(thread);
    return thread;
  }
}

/** The asking side of `task.thread.ts`. */
class TaskThread {
  readonly #worker = new Worker(new URL('./task.thread.js', import.meta.url), { name: 'task' });
  #settle: ((error: Error | null) => void) | null = null;
  #failure: Error | null = null;

  constructor() {
    this.#worker.on('message', (answer: ThreadAnswer) => {
      this.#settle?.(answer.error === null ? null : RingmasterError.fromBody(answer.error));
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`a thread of data preparation ended with code ${code}`));
    });
  }

  /** Whether it can be asked. */
  get isAlive(): boolean {
    return this.#failure === null;
  }

  ask(request: ThreadRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => {
        this.#settle = null;
        if (error === null) resolve();
        else reject(error);
      };
      if (this.#failure === null) this.#worker.postMessage(request);
      else this.#settle(this.#failure);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.(this.#failure);
  }
}
