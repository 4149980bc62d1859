/** A thread that does the tasks of a preparation, one at a time: it writes the answer of each and says so. */
import { parentPort } from 'node:worker_threads';
import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';
import { writeAnswer } from './answer-file.js';
import { doTask, type Task } from './tasks.js';

export interface ThreadRequest {
  readonly task: Task;
  /** Where the answer is to be. */
  readonly path: string;
}

export interface ThreadAnswer {
  /** What is wrong with the data; null where the task is done. */
  readonly error: ErrorBody | null;
}

async function answerTo({ task, path }: ThreadRequest): Promise<ThreadAnswer> {
  try {
    writeAnswer(path, await doTask(task));
    return { error: null };
  } catch (error) {
    // Any other error ends the thread, and so is told to whoever waits for it.
    if (!(error instanceof RingmasterError)) throw error;
    return { error: error.toBody() };
  }
}

parentPort?.on('message', (request: ThreadRequest) => {
  void answerTo(request).then((answer) => {
    parentPort?.postMessage(answer);
  });
});
