import { copyBytes } from '@ringmaster/base/memory';

/** Bytes that are copied, hashed and written at a time, in a few milliseconds. */
const STRIDE_BYTES = 4 * 1024 * 1024;

/** A thread that reads a stride does so in milliseconds; one that takes longer is gone. */
const LONGEST_STRIDE_MS = 10_000;

/** Bytes of each buffer for copies of what has not been read. */
const COPY_BYTES = 2 ** 30;

const [CLAIMED, READ, COUNTS] = [0, 1, 2] as const;

/** Nothing more is read from where the bytes lie: the reader is told where the rest is. */
const DETACHED = -1;

type Bytes = Uint8Array<SharedArrayBuffer>;

/** A range of bytes in a shared memory, of any length. A view cannot be handed to a thread from beyond 4 GiB. */
export interface ByteRange {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** What both threads share of the snapshots of one range, which are taken one after the other. */
export interface SharedSnapshot {
  readonly range: ByteRange;
  /** How many strides the reader has begun to read, or `DETACHED`, and how many it has read. */
  readonly counts: Int32Array<SharedArrayBuffer>;
}

/** A range from a byte of it on, in views of at most `most` bytes. */
function* viewsOf(range: ByteRange, from: number, most: number): Generator<Bytes> {
  for (let at = from; at < range.byteLength; at += most - (at % most)) {
    const length = Math.min(most - (at % most), range.byteLength - at);
    yield new Uint8Array(range.buffer, range.byteOffset + at, length);
  }
}

/**
 * Bytes as they were at one moment, for another thread that reads them where they lie while they stay as they are. Who is
 * about to change them calls `detach`, which copies what has not been read by then: nothing, where reading is the quicker.
 * Neither side waits for the other for longer than a stride is copied.
 */
export class Snapshot {
  readonly shared: SharedSnapshot;
  /** Where copies go, made when they are needed and used again: V8 does not see how much memory shared buffers are. */
  readonly #copies: SharedArrayBuffer[] = [];

  constructor(range: ByteRange) {
    const counts = new Int32Array(new SharedArrayBuffer(4 * COUNTS));
    Atomics.store(counts, CLAIMED, DETACHED);
    this.shared = { range, counts };
  }

  /** The bytes as they are now may be read. Nobody reads what `detach` has returned before. */
  take(): void {
    Atomics.store(this.shared.counts, READ, 0);
    Atomics.store(this.shared.counts, CLAIMED, 0);
  }

  /** Nobody reads the bytes any more. */
  end(): void {
    Atomics.store(this.shared.counts, CLAIMED, DETACHED);
  }

  /**
   * The bytes may be changed afterwards.
   * @returns a copy of what was not read, in order; empty where the reader needs none
   * @throws Error where the reader does not finish a stride; RangeError where there is no memory
   */
  detach(): readonly Bytes[] {
    const { range, counts } = this.shared;
    const claimed = Atomics.exchange(counts, CLAIMED, DETACHED);
    if (claimed === DETACHED) return [];
    for (let read = 0; (read = Atomics.load(counts, READ)) < claimed;)
      if (Atomics.wait(counts, READ, read, LONGEST_STRIDE_MS) === 'timed-out')
        throw new Error('what reads a snapshot has stopped');
    let at = claimed * STRIDE_BYTES;
    return Array.from(viewsOf(range, at, COPY_BYTES), (view) => {
      const copy = new Uint8Array(this.#copyOf(at), at % COPY_BYTES, view.length);
      copyBytes(copy, view);
      at += view.length;
      return copy;
    });
  }

  /** The buffer for the copy of the range's byte `at` and those around it. */
  #copyOf(at: number): SharedArrayBuffer {
    const index = Math.floor(at / COPY_BYTES);
    const start = index * COPY_BYTES;
    const bytes = Math.min(COPY_BYTES, this.shared.range.byteLength - start);
    return (this.#copies[index] ??= new SharedArrayBuffer(bytes));
  }
}

/**
 * The other thread's side: the bytes of a snapshot in order, in chunks that are valid until the next is asked for.
 * @param rest What `detach` has returned, once it was called before all was read.
 */
export async function* readSnapshot(
  { range, counts }: SharedSnapshot,
  rest: () => Promise<readonly Uint8Array[]>,
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(STRIDE_BYTES);
  let index = 0;
  for (const stride of viewsOf(range, 0, STRIDE_BYTES)) {
    if (Atomics.compareExchange(counts, CLAIMED, index, index + 1) !== index) {
      yield* await rest();
      return;
    }
    copyBytes(buffer, stride);
    Atomics.store(counts, READ, ++index);
    Atomics.notify(counts, READ);
    yield buffer.subarray(0, stride.length);
  }
}
