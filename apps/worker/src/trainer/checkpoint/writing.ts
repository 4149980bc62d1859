import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { ArtifactsSource } from '../../artifacts/types.js';
import type { Answer, Late, Request, Stem, Stored, ThreadData } from './messages.js';
import { Snapshot, type ByteRange } from './snapshot.js';

interface Pending {
  resolve(stored: Stored): void;
  reject(error: Error): void;
}

/** The main thread's side of the thread that writes checkpoints of one state, one after the other. */
export class WritingThread {
  readonly #snapshot: Snapshot;
  readonly #worker: Worker;
  #pending: Pending | null = null;
  #ended = false;

  /**
   * @param state The bytes of the state.
   * @param onLate Called when it is known what became of a checkpoint that was not delivered at first.
   */
  constructor(source: ArtifactsSource, state: ByteRange, onLate: (late: Late) => void) {
    this.#snapshot = new Snapshot(state);
    const workerData: ThreadData = { source, snapshot: this.#snapshot.shared };
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

  /** Makes the state durable as it is now. One at a time; `detach` is called before the state is changed. */
  async store(stem: Stem): Promise<Stored> {
    this.#snapshot.take();
    this.#worker.ref();
    try {
      return await new Promise<Stored>((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#ask({ store: stem });
      });
    } finally {
      this.#pending = null;
      this.#snapshot.end();
      this.#worker.unref();
    }
  }

  /** The state is about to be changed: what the thread has yet to read of it is copied. */
  detach(): void {
    if (this.#pending === null) return;
    try {
      const rest = this.#snapshot.detach();
      if (rest.length > 0) this.#ask({ rest });
    } catch {
      this.#ask({ rest: null });
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: Request): void {
    this.#worker.postMessage(request);
  }

  #onEnd(error: Error): void {
    this.#ended = true;
    this.#pending?.reject(error);
  }
}
