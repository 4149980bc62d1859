import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { faultOf, RingmasterError } from '@ringmaster/protocol';
import type { Audits } from './audit.js';
import type { ForeignAnswer, Leases, TaskPlace } from './leases.js';
import type { TaskFiles } from './task-files.js';
import type { TaskThreads } from './task-threads.js';
import { taskOf, type Task, type TaskAnswer, type TaskName, type TaskRequest } from './tasks.js';

export interface TaskRunnerOptions {
  readonly files: TaskFiles;
  readonly threads: TaskThreads;
  readonly leases: Leases;
  readonly audits: Audits;
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
      while (asked.length >= leases.ahead) yield await take();
    }
    while (asked.length > 0) yield await take();
  }

  /** Has threads end that have nothing to do: what comes between tasks needs their memory. */
  async rest(): Promise<void> {
    await this.#options.threads.rest();
  }

  async #answer(task: Task): Promise<void> {
    const { files } = this.#options;
    if (await files.isAnswered(task)) return;
    const foreign = await this.#do(task, files.answerPath(task), 'anywhere');
    if (foreign !== null) await this.#judge(task, foreign);
  }

  /** Does a task here, and writes its answer to `path`, unless it may be done elsewhere, and was. */
  async #do(task: Task, path: string, place: TaskPlace): Promise<ForeignAnswer | null> {
    const { threads, leases } = this.#options;
    const lease = await leases.take(task, place);
    if ('worker' in lease) return lease;
    try {
      await threads.run(task, path);
    } finally {
      lease.giveBack();
    }
    return null;
  }

  /** Takes an answer that a worker has sent if it may be one, and where it is audited, is the same as that which is given here. */
  async #judge(task: Task, answer: ForeignAnswer): Promise<void> {
    const { files, audits } = this.#options;
    const fault = files.faultOf(task, answer);
    if (fault !== null) {
      rmSync(answer.path, { force: true });
      answer.refuse(fault);
      await this.#do(task, files.answerPath(task), 'here');
      return;
    }
    if (!audits(task, answer.worker)) {
      files.take(task, answer);
      answer.accept();
      return;
    }
    const sent = await readFile(answer.path);
    rmSync(answer.path);
    try {
      await this.#do(task, files.answerPath(task), 'here');
    } catch (error) {
      if (isOfData(error)) answer.distrust();
      throw error;
    }
    if (sent.equals(await readFile(files.answerPath(task)))) answer.accept();
    else answer.distrust();
  }
}

/** Whether an error is met by whoever does the task: a file may have been changed, or gone, only since it was sent. */
function isOfData(error: unknown): boolean {
  if (!RingmasterError.is(error) || faultOf(error.code) !== 'job') return false;
  return error.code !== 'DATA_FILE_CHANGED' && error.code !== 'DATA_FILE_UNREADABLE';
}
