import type { Leases } from './leases.js';
import type { TaskFiles } from './task-files.js';
import type { TaskThreads } from './task-threads.js';
import { taskOf, type Task, type TaskAnswer, type TaskName, type TaskRequest } from './tasks.js';

export interface TaskRunnerOptions {
  readonly files: TaskFiles;
  readonly threads: TaskThreads;
  readonly leases: Leases;
}

/** Has the tasks of a preparation done that nobody has done before. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /**
   * The answers to requests, in their order, whoever gives them and when; few are asked for before they are taken.
   * @throws What a task throws, for the first request in that order.
   */
  async *answers<Name extends TaskName>(
    name: Name,
    requests: Iterable<TaskRequest<Name>>,
  ): AsyncGenerator<TaskAnswer<Name>> {
    const { leases, files } = this.#options;
    const asked: { readonly task: Task<Name>; readonly done: Promise<void> }[] = [];
    const take = async () => {
      const first = asked.shift();
      if (first === undefined) throw new Error('no task was asked for');
      await first.done;
      const answer = files.answer(first.task);
      if (answer === null) throw new Error(`the answer to task ${first.task.key} is damaged`);
      return answer;
    };
    for (const request of requests) {
      const task = taskOf(name, request);
      const done = this.#answer(task);
      // One that fails before its turn is thrown in its turn; after an earlier failure nobody asks.
      done.catch(() => undefined);
      asked.push({ task, done });
      if (asked.length >= leases.ahead) yield await take();
    }
    while (asked.length > 0) yield await take();
  }

  async #answer(task: Task): Promise<void> {
    const { files, threads, leases } = this.#options;
    if (await files.isAnswered(task)) return;
    const lease = await leases.take();
    try {
      await threads.run(task, files.answerPath(task));
    } finally {
      lease.giveBack();
    }
  }
}
