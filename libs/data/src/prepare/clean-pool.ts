import { Worker } from 'node:worker_threads';
import { RingmasterError } from '@ringmaster/protocol';
import type { FileReading, Source } from '../document.js';
import { cleanFiles, type CleanedDocument, type CleanRequest } from './clean-file.js';
import type { CleanAnswer } from './clean-pool.thread.js';

/** Files of a request: enough that asking costs nothing, few enough that the last thread ends with the others. */
const FILES = 32;
/** Requests that a thread has before it, so that it never waits for the one who takes. */
const AHEAD = 4;

/**
 * The documents of a source, cleaned, in the order of the source however many threads there are.
 * @throws What the readers throw, for the first document in that order.
 */
export async function* cleanedDocuments(
  { readings, cleaning }: Source,
  threads: number,
): AsyncGenerator<CleanedDocument> {
  const requests = inParts(readings).map((part): CleanRequest => ({ readings: part, cleaning }));
  const size = Math.min(threads, requests.length);
  if (size <= 1) {
    yield* cleanFiles({ readings, cleaning });
    return;
  }
  const pool = Array.from({ length: size }, () => new CleanThread());
  try {
    const asked: Promise<readonly CleanedDocument[]>[] = [];
    for (let next = 0; ;) {
      for (; next < requests.length && asked.length < AHEAD * size; next++) {
        const request = requests[next];
        const answer = request && pool[next % size]?.clean(request);
        if (answer !== undefined) asked.push(answer);
      }
      const documents = asked.shift();
      if (documents === undefined) break;
      yield* await documents;
    }
  } finally {
    await Promise.all(pool.map((thread) => thread.end()));
  }
}

function inParts(readings: readonly FileReading[]): FileReading[][] {
  const count = Math.ceil(readings.length / FILES);
  return Array.from({ length: count }, (_, at) => readings.slice(at * FILES, (at + 1) * FILES));
}

interface Pending {
  readonly resolve: (documents: readonly CleanedDocument[]) => void;
  readonly reject: (error: Error) => void;
}

/** The asking side of `clean-pool.thread.ts`. */
class CleanThread {
  readonly #worker = new Worker(new URL('./clean-pool.thread.js', import.meta.url), {
    name: 'clean',
  });
  /** Who waits, in the order of the requests, which is that of the answers. */
  #pending: Pending[] = [];
  #failure: Error | null = null;

  constructor() {
    this.#worker.on('message', (answer: CleanAnswer) => {
      const first = this.#pending.shift();
      if ('documents' in answer) first?.resolve(answer.documents);
      else first?.reject(RingmasterError.fromBody(answer.error));
    });
    this.#worker.on('error', (error) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`a thread that cleans ended with code ${code}`));
    });
  }

  clean(request: CleanRequest): Promise<readonly CleanedDocument[]> {
    const answer = new Promise<readonly CleanedDocument[]>((resolve, reject) => {
      if (this.#failure !== null) reject(this.#failure);
      else this.#pending.push({ resolve, reject });
    });
    // One that fails before its turn is thrown in its turn; after an earlier failure nobody asks.
    answer.catch(() => undefined);
    this.#worker.postMessage(request);
    return answer;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending) reject(error);
    this.#pending = [];
  }
}
