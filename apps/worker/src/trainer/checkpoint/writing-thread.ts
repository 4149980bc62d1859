import { parentPort, workerData } from 'node:worker_threads';
import { artifactsFrom } from '../../artifacts/artifacts.js';
import { errorBody } from '../failure.js';
import type { Answer, Request, ThreadData } from './messages.js';
import { storeCheckpoint } from './store.js';

/** The thread that checkpoints are hashed and written in, one at a time. */

const PAGE_BYTES = 4096;

const { source, copy } = workerData as ThreadData;
const artifacts = artifactsFrom(source);

// The system gives memory when it is touched first, which takes ten times as long as to copy a state into it. That a
// state may be arriving already is why it is touched without a change.
for (let at = 0; at < copy.length; at += PAGE_BYTES) Atomics.or(copy, at, 0);

/** The newest checkpoint, if it waits here to be delivered. One that is older need not be delivered any more. */
let undelivered: string | null = null;

parentPort?.on('message', (request: Request) => {
  void answer(request);
});

async function answer(request: Request): Promise<void> {
  try {
    const stored = await storeCheckpoint(artifacts, request, copy);
    if (undelivered !== null && undelivered !== stored.manifest)
      await artifacts.forget(undelivered);
    undelivered = stored.delivered ? null : stored.manifest;
    parentPort?.postMessage({ stored } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ error: errorBody(error) } satisfies Answer);
  }
}
