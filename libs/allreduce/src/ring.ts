import assert from 'node:assert/strict';
import { type Operation, type RingOptions, type RingReport, SEGMENT_BYTES } from './options.js';
import { requestOfThread } from './thread.js';

let rings = 0;

const NOTHING: RingReport = {
  seconds: 0,
  waitSeconds: 0,
  bytesSent: 0,
  framesSent: 0,
  framesDropped: 0,
};

/**
 * One rank of a ring of one generation. Sockets and sums live in the ring thread, so a busy main thread delays
 * nothing. After any error the ring is dead: report it, then `close` and wait for a new generation; closing before
 * others have reported looks to the neighbours like a loss of this rank.
 */
export class Ring {
  /** Where the rank before connects to. */
  readonly endpoint: string;
  readonly #options: RingOptions;
  readonly #ring: number;
  readonly #staging: number;
  readonly #segmentBytes: number;
  #closed: Promise<void> | undefined;

  private constructor(
    options: RingOptions,
    ring: number,
    staging: number,
    segmentBytes: number,
    endpoint: string,
  ) {
    this.#options = options;
    this.#ring = ring;
    this.#staging = staging;
    this.#segmentBytes = segmentBytes;
    this.endpoint = endpoint;
  }

  /**
   * Listens at a fresh address. A ring of one rank needs no sockets and has an endpoint that nobody connects to.
   * @throws RingmasterError RING_BIND_FAILED
   */
  static async bind(options: RingOptions): Promise<Ring> {
    const { arena, segmentBytes = SEGMENT_BYTES, curve, ...rest } = options;
    assert(options.size >= 1 && options.rank >= 0 && options.rank < options.size);
    assert(segmentBytes > 0 && segmentBytes % 4 === 0 && options.run.length <= 128);
    assert(curve === undefined || curve.peers.length === options.size, 'one key per rank');
    const ring = rings++;
    if (options.size === 1) return new Ring(options, ring, 0, 0, 'inproc://alone');
    const staging = arena.allocate(segmentBytes);
    try {
      const endpoint = await requestOfThread({
        kind: 'bind',
        ring,
        options: {
          host: '127.0.0.1',
          ...rest,
          directory: options.directory,
          segmentBytes,
          curve,
        },
        memory: arena.memory,
        staging,
      });
      return new Ring(options, ring, staging, segmentBytes, String(endpoint));
    } catch (error) {
      arena.release(staging, segmentBytes);
      throw error;
    }
  }

  /**
   * Connects to the rank after this one; resolves when both neighbours are linked.
   * @param endpoints of all ranks, by rank
   * @throws RingmasterError RING_LINK_FAILED, RING_CLOSED
   */
  async connect(endpoints: readonly string[]): Promise<void> {
    const { rank, size } = this.#options;
    assert(endpoints.length === size, 'one endpoint per rank');
    const endpoint = endpoints[(rank + 1) % size] ?? '';
    if (size > 1) await requestOfThread({ kind: 'connect', ring: this.#ring, endpoint });
  }

  /**
   * Sums int32 ranges over all ranks, in place, wrapping. Operations run one after another in the order of the calls,
   * which must be the same at all ranks. The ranges must not be written until a later non-empty operation on other
   * memory, or `close`, has resolved: what was sent last may still be read (two arenas alternate).
   * @throws RingmasterError RING_PEER_SILENT, RING_PEER_LOST, RING_PROTOCOL, RING_CLOSED
   */
  async allReduce(operation: Operation): Promise<RingReport> {
    for (const { offset, length } of operation.ranges) {
      const end = offset + 4 * length;
      assert(offset % 4 === 0 && end <= this.#options.arena.memory.buffer.byteLength);
    }
    if (this.#options.size === 1) return NOTHING;
    const report = await requestOfThread({ kind: 'allReduce', ring: this.#ring, operation });
    return report as RingReport;
  }

  /**
   * Rejects what is pending and frees the sockets; once it resolves, nothing reads the arena any more. It takes
   * milliseconds, or a second when the rank after has stopped taking the frames of a finished operation.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#options.size === 1) return;
    await requestOfThread({ kind: 'close', ring: this.#ring });
    this.#options.arena.release(this.#staging, this.#segmentBytes);
  }
}
