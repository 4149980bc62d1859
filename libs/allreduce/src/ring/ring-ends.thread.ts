import { parentPort } from 'node:worker_threads';
import { Context } from 'zeromq';
import { RingFailure } from '../failure.js';
import { RingEnd } from './ring-end.js';
import type { Answer, Bound, Exit, Numbered, Offering, Request } from './thread-messages.js';

/**
 * The ring thread of a process: all its rings (an old and a new generation overlap) on one ZeroMQ context. It never
 * ends by itself, because ZeroMQ's I/O thread may still hand back messages to it; the process ends it.
 */
const context = new Context({ blocky: false });
const ends = new Map<number, Promise<RingEnd>>();

if (parentPort === null) throw new Error('the ring thread is a worker thread');
const port = parentPort;

port.on('message', (message: Numbered | Offering | Exit) => {
  if (message.kind === 'exit') void exit(message.done);
  // A ring that is closed offers nothing.
  else if (message.kind === 'offer') void offer(message);
  else void answer(message);
});

async function offer({ ring, offer }: Offering): Promise<void> {
  (await ends.get(ring))?.offer(offer);
}

async function answer({ id, request }: Numbered): Promise<void> {
  port.postMessage(
    await perform(request).then(
      (value): Answer => ({ id, value }),
      (error: unknown): Answer =>
        error instanceof RingFailure
          ? { id, failure: error.body }
          : { id, defect: error instanceof Error ? error : new Error(String(error)) },
    ),
  );
}

async function perform(request: Request): Promise<unknown> {
  if (request.kind === 'bind') {
    const binding = RingEnd.bind(request, context);
    ends.set(request.ring, binding);
    const { address, publicKey, donor } = await binding;
    return { address, publicKey, donor } satisfies Bound;
  }
  const end = await ends.get(request.ring);
  if (end === undefined) throw new Error(`ring ${request.ring} is not bound`);
  switch (request.kind) {
    case 'connect':
      return end.connect(request);
    case 'allReduce':
      return end.allReduce(request.operation);
    case 'fetch':
      return end.fetch(request.donors, request.range);
    case 'close':
      await end.close(request.abandon);
      ends.delete(request.ring);
      return undefined;
  }
}

// A receive that is pending when the thread is torn down aborts the process.
async function exit(done: Int32Array<SharedArrayBuffer>): Promise<void> {
  const closing = [...ends.values()].map(async (end) => (await end).close(true));
  await Promise.allSettled(closing);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}
