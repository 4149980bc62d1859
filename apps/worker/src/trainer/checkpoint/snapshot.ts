import { copyBytes } from '@ringmaster/base/memory';

/** Bytes that are copied, hashed and written at a time, in a few milliseconds. */
const STRIDE_BYTES = 4 * 1024 * 1024;

/** Bytes of the copies that are made of what has not been read. */
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
  for (let at = from; at < range.byteLength; at += most) {
    const length = Math.min(most, range.byteLength - at);
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

  constructor(range: ByteRange) {
    const counts = new Int32Array(new SharedArrayBuffer(4 * COUNTS));
    Atomics.store(counts, CLAIMED, DETACHED);
    this.shared = { range, counts };
  }

  /** The bytes as they are now may be read. */
  take(): void {
    Atomics.store(this.shared.counts, READ, 0);
    Atomics.store(this.shared.counts, CLAIMED, 0);
  }

  /**
   * The bytes may be changed afterwards.
   * @returns a copy of what was not read, in order; empty where the reader needs none
   */
  detach(): readonly Bytes[] {
    const { range, counts } = this.shared;
    const claimed = Atomics.exchange(counts, CLAIMED, DETACHED);
    if (claimed === DETACHED) return [];
    for (let read = 0; (read = Atomics.load(counts, READ)) < claimed;)
      Atomics.wait(counts, READ, read);
    return Array.from(viewsOf(range, claimed * STRIDE_BYTES, COPY_BYTES), (view) => {
      const copy = new Uint8Array(new SharedArrayBuffer(view.length));
      copyBytes(copy, view);
      return copy;
    });
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
