import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { ArtifactsSource } from '../../artifacts/types.js';
import type { Answer, Late, Request, Stored, ThreadData } from './messages.js';

interface Pending {
  resolve(stored: Stored): void;
  reject(error: Error): void;
}

/** The main thread's side of the thread that writes checkpoints, with the one copy of a state that there is room for. */
export class WritingThread {
  /** Where a state's bytes are copied to before `store`. */
  readonly copy: Uint8Array<SharedArrayBuffer>;
  readonly #worker: Worker;
  #pending: Pending | null = null;
  #ended = false;

  /**
   * @param bytes Size of the states that are to be written.
   * @param onLate Called when it is known what became of a checkpoint that was not delivered at first.
   */
  constructor(source: ArtifactsSource, bytes: number, onLate: (late: Late) => void) {
    this.copy = new Uint8Array(new SharedArrayBuffer(bytes));
    const workerData: ThreadData = { source, copy: this.copy };
    const file = new URL('./writing.thread.js', import.meta.url);
    this.#worker = new Worker(file, { name: 'checkpoints', workerData });
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => {
      if ('stored' in answer) this.#pending?.resolve(answer.stored);
      else if ('error' in answer) this.#pending?.reject(RingmasterError.fromBody(answer.error));
      else onLate(answer.late);
    });
    this.#worker.on('error', (error) => {
      this.#onEnd(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#onEnd(new Error(`the thread that writes checkpoints ended with code ${code}`));
    });
  }

  /** Whether the thread is gone and another is needed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Makes the state in `copy` durable. One at a time. */
  async store(request: Request): Promise<Stored> {
    this.#worker.ref();
    try {
      return await new Promise<Stored>((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#worker.postMessage(request);
      });
    } finally {
      this.#pending = null;
      this.#worker.unref();
    }
  }

  #onEnd(error: Error): void {
    this.#ended = true;
    this.#pending?.reject(error);
  }
}
