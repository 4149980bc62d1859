import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Received bytes between two collections, measured: docs/decisions/0002-ring-memory-and-segments.md. */
const BETWEEN_BYTES = 4 * 2 ** 20;

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Gives the memory of received messages back soon. V8 by itself keeps 25 to 50 MB of them before it collects, so that
 * every message comes into memory that no cache holds. Collections are those of young objects, of this thread alone.
 */
export class Collector {
  readonly #collect = collection();
  #received = 0;

  /** Says that a message of `bytes` bytes is not needed any more. */
  done(bytes: number): void {
    this.#received += bytes;
    if (this.#received < BETWEEN_BYTES) return;
    this.#received = 0;
    this.#collect({ type: 'minor' });
  }
}

/** V8 hands its collector to contexts that are made while the flag is set. */
function collection(): Collect {
  setFlagsFromString('--expose-gc');
  try {
    const collect: unknown = runInNewContext('gc');
    assert(typeof collect === 'function');
    return collect as Collect;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
