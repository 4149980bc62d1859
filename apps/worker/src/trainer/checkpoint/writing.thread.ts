import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorBody } from '@ringmaster/protocol';
import { artifactsFrom } from '../../artifacts/artifacts.js';
import { errorBody } from '../failure.js';
import type { Answer, Request, ThreadData } from './messages.js';
import { deliver, storeCheckpoint } from './store.js';

/** The thread that checkpoints are hashed and written in, one at a time. */

const PAGE_BYTES = 4096;

/** Time between attempts to deliver what the coordinator could not be given at first. */
const RETRY_MS = 2000;

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
    const before = undelivered;
    undelivered = stored.delivered ? null : stored.manifest;
    if (before !== null && before !== stored.manifest) await artifacts.forget(before);
    parentPort?.postMessage({ stored } satisfies Answer);
    if (!stored.delivered) void deliverLater(stored.manifest);
  } catch (error) {
    parentPort?.postMessage({ error: errorBody(error) } satisfies Answer);
  }
}

/** Tries again until the checkpoint is delivered or a newer one has taken its place. */
async function deliverLater(manifest: string): Promise<void> {
  let error: ErrorBody | null = null;
  try {
    do {
      await sleep(RETRY_MS);
    } while (undelivered === manifest && !(await deliver(artifacts, manifest)));
  } catch (cause) {
    error = errorBody(cause);
  }
  if (undelivered !== manifest) return;
  undelivered = null;
  parentPort?.postMessage({ late: { manifest, error } } satisfies Answer);
}
