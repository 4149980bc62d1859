import { AskedThread } from '../threads/asked-thread.js';
import { writeAnswer } from './answer-file.js';
import type { TaskThreadRequest } from './task.thread.js';
import { doTask, type Task } from './tasks.js';

type TaskThread = AskedThread<TaskThreadRequest, undefined>;

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

  /** Ends the threads that have nothing to do, and gives back what memory they hold. */
  async rest(): Promise<void> {
    const idle = this.#idle;
    this.#idle = [];
    for (const thread of idle) this.#all.delete(thread);
    await Promise.all(idle.map((thread) => thread.end()));
  }

  async end(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.end()));
  }

  #start(): TaskThread {
    const program = new URL('./task.thread.js', import.meta.url);
    const thread: TaskThread = new AskedThread(program, { name: 'task' });
    this.#all.add(thread);
    return thread;
  }
}
