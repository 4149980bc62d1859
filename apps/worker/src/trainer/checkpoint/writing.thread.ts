import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorBody } from '@ringmaster/protocol';
import { artifactsFrom } from '../../artifacts/artifacts.js';
import { errorBody } from '../failure.js';
import type { Answer, Request, Stem, ThreadData } from './messages.js';
import { readSnapshot } from './snapshot.js';
import { deliver, storeCheckpoint } from './store.js';

/** The thread that checkpoints are hashed and written in, one at a time. */

/** Time between attempts to deliver what the coordinator could not be given at first. */
const RETRY_MS = 2000;

const { source, snapshot } = workerData as ThreadData;
const artifacts = artifactsFrom(source);

/** Takes the bytes that the snapshot in hand lacks. */
let takeRest: (rest: readonly Uint8Array[] | null) => void = () => undefined;

/** The newest checkpoint, if it waits here to be delivered. One that is older need not be delivered any more. */
let undelivered: string | null = null;

parentPort?.on('message', (request: Request) => {
  if ('rest' in request) takeRest(request.rest);
  else void answer(request.store);
});

async function answer(stem: Stem): Promise<void> {
  const rest = new Promise<readonly Uint8Array[]>((resolve, reject) => {
    takeRest = (bytes) => {
      if (bytes !== null) resolve(bytes);
      else reject(new Error('there was no memory for what changed while it was written'));
    };
  });
  rest.catch(() => undefined);
  try {
    const bytes = readSnapshot(snapshot, () => rest);
    const stored = await storeCheckpoint(artifacts, stem, bytes);
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
