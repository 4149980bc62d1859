import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { Answer, Exit, Numbered, Offering, Request } from './thread-messages.js';

/** Longest wait for the ring thread to close its sockets at the end of the process. It takes milliseconds when it runs. */
const EXIT_MS = 10_000;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The main thread's side of the ring thread, which is started with the first ring of the process. */
class RingEnds {
  readonly #worker = new Worker(new URL('./ring-ends.thread.js', import.meta.url), {
    name: 'ring',
  });
  readonly #pending = new Map<number, Pending>();
  #requests = 0;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => {
      this.#onAnswer(answer);
    });
    this.#worker.on('error', (error) => {
      this.#onEnd(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#onEnd(new Error(`the ring thread ended with code ${code}`));
    });
    process.on('exit', this.#exit);
  }

  async request(request: Request): Promise<unknown> {
    const id = this.#requests++;
    // Only a request that somebody awaits keeps the process alive.
    if (this.#pending.size === 0) this.#worker.ref();
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        this.#worker.postMessage({ kind: 'request', id, request } satisfies Numbered);
      });
    } finally {
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  tell(offering: Offering): void {
    this.#worker.postMessage(offering);
  }

  #onAnswer(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if ('value' in answer) pending?.resolve(answer.value);
    else if ('defect' in answer) pending?.reject(answer.defect);
    else pending?.reject(RingmasterError.fromBody(answer.failure));
  }

  #onEnd(error: Error): void {
    thread = undefined;
    process.off('exit', this.#exit);
    for (const pending of this.#pending.values()) pending.reject(error);
  }

  readonly #exit = (): void => {
    const done = new Int32Array(new SharedArrayBuffer(4));
    this.#worker.postMessage({ kind: 'exit', done } satisfies Exit);
    // Sockets that are open when their thread is torn down make a mess of the memory, and end the process by SIGABRT.
    if (Atomics.wait(done, 0, 0, EXIT_MS) === 'timed-out') process.kill(process.pid, 'SIGKILL');
  };
}

let thread: RingEnds | undefined;

/** Asks the ring thread of this process. */
export function requestOfThread(request: Request): Promise<unknown> {
  thread ??= new RingEnds();
  return thread.request(request);
}

/** Tells the ring thread of this process, which has bound the ring already. */
export function tellThread(offering: Offering): void {
  thread?.tell(offering);
}
