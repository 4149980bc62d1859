import { parentPort } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { ThreadAnswer } from './asked-thread.js';

/** Has this thread do what an `AskedThread` asks for. What is no RingmasterError ends it, and is told to whoever asks. */
export function serveThread<Value>(serve: (request: never) => Value | Promise<Value>): void {
  const answerTo = async (request: never): Promise<ThreadAnswer<Value>> => {
    try {
      return { value: await serve(request) };
    } catch (error) {
      if (!(error instanceof RingmasterError)) throw error;
      return { error: error.toBody() };
    }
  };
  parentPort?.on('message', (request: unknown) => {
    void answerTo(request as never).then((answer) => {
      parentPort?.postMessage(answer);
    });
  });
}
