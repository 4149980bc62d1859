import { Worker, type WorkerOptions } from 'node:worker_threads';
import { RingmasterError, type ErrorBody } from '@ringmaster/protocol';

/** What a thread answers: what is wrong with the data, or what was asked for. */
export type ThreadAnswer<Value> = { readonly error: ErrorBody } | { readonly value: Value };

/** A thread that is asked for one thing at a time. Its program is served by `serveThread`. */
export class AskedThread<Request, Value> {
  readonly #worker: Worker;
  #settle: ((answer: ThreadAnswer<Value> | Error) => void) | null = null;
  #failure: Error | null = null;

  constructor(program: URL, options: WorkerOptions) {
    this.#worker = new Worker(program, options);
    this.#worker.on('message', (answer: ThreadAnswer<Value>) => {
      this.#settle?.(answer);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`a thread of data preparation ended with code ${code}`));
    });
  }

  /** Whether it can be asked. */
  get isAlive(): boolean {
    return this.#failure === null;
  }

  /** @throws what the thread throws, and why it has ended if it has */
  ask(request: Request): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => {
        this.#settle = null;
        if (answer instanceof Error) reject(answer);
        else if ('error' in answer) reject(RingmasterError.fromBody(answer.error));
        else resolve(answer.value);
      };
      if (this.#failure === null) this.#worker.postMessage(request);
      else this.#settle(this.#failure);
    });
  }

  /** Its memory is given back then. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.(this.#failure);
  }
}
