/** A thread that does the tasks of a preparation, one at a time: it writes the answer of each and says so. */
import { serveThread } from '../threads/serve-thread.js';
import { writeAnswer } from './answer-file.js';
import { doTask, type Task } from './tasks.js';

export interface TaskThreadRequest {
  readonly task: Task;
  /** Where the answer is to be. */
  readonly path: string;
}

serveThread(async ({ task, path }: TaskThreadRequest) => {
  writeAnswer(path, await doTask(task));
});
