import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { borrowTask, type TaskThreads } from '@ringmaster/data';
import type { Inputs } from './inputs.js';
import type { LeaseClient } from './lease-client.js';

export interface Place {
  readonly threads: TaskThreads;
  readonly inputs: Inputs;
  /** Of this task alone; nothing of it is left. */
  readonly directory: string;
}

/**
 * Does the task of a lease in a thread, and sends its answer: first the parts that it names, then itself.
 * @throws what is wrong, be it with the data, this machine or the way to the coordinator
 */
export async function doBorrowedTask(
  client: LeaseClient,
  { threads, inputs, directory }: Place,
  signal: AbortSignal,
): Promise<void> {
  const borrowed = borrowTask(await client.task());
  const taken: string[] = [];
  try {
    for (const { sha256, bytes } of borrowed.inputs) {
      await inputs.take(sha256, bytes, () => client.input(sha256));
      taken.push(sha256);
    }
    const parts = join(directory, 'parts');
    await mkdir(parts, { recursive: true });
    const answer = join(directory, 'answer');
    await threads.run(
      borrowed.open((sha256) => inputs.path(sha256), parts),
      answer,
      signal,
    );
    for (const part of await readdir(parts)) await client.putPart(part, join(parts, part));
    await client.putAnswer(answer);
  } finally {
    for (const sha256 of taken) inputs.release(sha256);
    await rm(directory, { recursive: true, force: true });
  }
}
