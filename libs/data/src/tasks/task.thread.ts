/** A thread that does the tasks of a preparation: an answer for each, in their order. */
import { parentPort } from 'node:worker_threads';
import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';
import { tasks, type TaskAnswer, type TaskName, type TaskRequest } from './tasks.js';

export type ThreadRequest = {
  [Name in TaskName]: { readonly name: Name; readonly request: TaskRequest<Name> };
}[TaskName];

export type ThreadAnswer =
  { readonly answer: TaskAnswer<TaskName> } | { readonly error: ErrorBody };

async function answerTo({ name, request }: ThreadRequest): Promise<ThreadAnswer> {
  const run = tasks[name] as (request: unknown) => Promise<TaskAnswer<TaskName>>;
  try {
    return { answer: await run(request) };
  } catch (error) {
    // Any other error ends the thread, and so is told to whoever waits for it.
    if (!(error instanceof RingmasterError)) throw error;
    return { error: error.toBody() };
  }
}

let last = Promise.resolve();
parentPort?.on('message', (request: ThreadRequest) => {
  last = last.then(async () => {
    const answer = await answerTo(request);
    parentPort?.postMessage(answer, transferable(answer));
  });
});

/** The arrays of an answer, which are moved and not copied. */
function transferable(value: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(transferable);
}
