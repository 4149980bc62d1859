import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RingmasterError } from '@ringmaster/protocol';
import { Kernels } from '../memory/kernels.js';
import { SharedArena } from '../memory/memory.js';
import { encodeHeader } from './frame.js';
import { Lanes } from './lanes.js';
import { TcpProxy } from './proxy.test.fixture.js';
import { Ring } from './ring.js';

// Segments that are long enough to be packed, where the gradients leave bits to be saved.
const LENGTH = 3_600;
const SEGMENT_BYTES = 4_800;
const DEADLINE_MS = 2_000;
const SIZE = 3;

// The first frame of a step, as ZMTP 3 (RFC 23) puts it on the wire: a short part, then a long one.
const FIRST = { step: 1, attempt: 1, bucket: 0, phase: 0, segment: 0, rank: 0 };
const HEADER_AT = 2;
const headerBytes = (generation: number) =>
  encodeHeader({ run: 'run-7', generation, ...FIRST }).byteLength;
const payloadAt = (generation: number) => HEADER_AT + headerBytes(generation) + 9;

/** One rank with gradients and lanes, in this process. */
class Rank {
  readonly ring: Ring;
  readonly #rank: number;
  readonly #arena: SharedArena;
  readonly #kernels: Kernels;
  readonly #lanes = new Lanes({
    microbatches: SIZE,
    sums: 1,
    counts: 2,
    maxima: 4,
    ranks: SIZE,
    controls: 1,
  });
  readonly #halves: readonly number[];

  readonly #savedBits: number;

  private constructor(ring: Ring, arena: SharedArena, rank: number, savedBits: number) {
    this.ring = ring;
    this.#rank = rank;
    this.#savedBits = savedBits;
    this.#arena = arena;
    this.#kernels = Kernels.instantiate(arena.memory);
    const bytes = 4 * (LENGTH + this.#lanes.words);
    this.#halves = [arena.allocate(bytes), arena.allocate(bytes)];
  }

  static async bind(rank: number, generation: number, savedBits: number): Promise<Rank> {
    const arena = SharedArena.create(262_144);
    const ring = await Ring.bind({
      run: 'run-7',
      generation,
      rank,
      size: SIZE,
      arena,
      segmentBytes: SEGMENT_BYTES,
    });
    return new Rank(ring, arena, rank, savedBits);
  }

  /** One step as a trainer makes it. @returns the reduced gradients and lanes, once they are verified */
  async step(step: number): Promise<Int32Array> {
    const lanes = this.#lanes;
    const offset = this.#halves[step % 2]!;
    const gradients = this.#arena.int32(offset, LENGTH);
    for (let k = 0; k < LENGTH; k++)
      gradients[k] = Math.imul(k + step, 0x9e3779b1 + this.#rank) >> this.#savedBits;
    const lanesOffset = offset + 4 * LENGTH;
    const block = this.#arena.int32(lanesOffset, lanes.words);
    lanes.clear(block);
    lanes.write(block, this.#rank, {
      sums: [1 / (1 + this.#rank + step)],
      counts: [step, this.#rank],
      maxima: Float32Array.of(1, 2, 3, this.#rank),
    });
    lanes.writeControl(block, this.#rank, 0, 5);
    lanes.writeChecksum(block, this.#kernels.checksum(offset, LENGTH, 0));
    await this.ring.allReduce({
      step,
      attempt: 1,
      ranges: [
        { offset, length: LENGTH },
        { offset: lanesOffset, length: lanes.words },
      ],
    });
    lanes.verify(lanes.read(block), this.#kernels.checksum(offset, LENGTH, 0));
    return Int32Array.from(this.#arena.int32(offset, LENGTH + lanes.words));
  }
}

let generations = 0;
let ranks: Rank[] = [];
let proxy: TcpProxy;

/** A ring in which rank 0 reaches rank 1 through a proxy. */
async function form(savedBits = 0): Promise<void> {
  const generation = ++generations;
  const all = Array.from({ length: SIZE }, (_, rank) => Rank.bind(rank, generation, savedBits));
  ranks = await Promise.all(all);
  const endpoints = ranks.map(({ ring }) => ring.endpoint);
  proxy = await TcpProxy.start(endpoints[1]!);
  endpoints[1] = proxy.endpoint;
  const deadline = { deadlineMs: DEADLINE_MS };
  await Promise.all(ranks.map(({ ring }) => ring.connect(endpoints, deadline)));
}

async function end(): Promise<void> {
  await Promise.all(ranks.map(({ ring }) => ring.close({ abandon: true })));
  await proxy.close();
}

type Outcome = { readonly sums: Int32Array } | { readonly error: RingmasterError };

async function outcome(rank: Rank, step: number): Promise<Outcome> {
  try {
    return { sums: await rank.step(step) };
  } catch (error) {
    if (error instanceof RingmasterError) return { error: error as RingmasterError };
    throw error;
  }
}

const outcomes = (step: number) => Promise.all(ranks.map((rank) => outcome(rank, step)));

const codes = (all: readonly Outcome[]) =>
  all.map((one) => ('error' in one ? one.error.code : 'ok'));

describe('a network between two ranks', () => {
  beforeEach(() => form());
  afterEach(end);

  it('that is slow changes nothing', async () => {
    const [fast] = await outcomes(0);
    proxy.delay(20);
    const slow = await outcomes(0);
    for (const sums of slow) expect(sums).toEqual(fast);
  });

  it('that falls silent for less than the deadline changes nothing', async () => {
    const [before] = await outcomes(0);
    proxy.fallSilent();
    setTimeout(() => {
      proxy.speak();
    }, DEADLINE_MS / 4);
    for (const sums of await outcomes(0)) expect(sums).toEqual(before);
  });

  it('that is cut is a loss on both sides, long before the deadline', async () => {
    await outcomes(0);
    const [first, second] = ranks.map((rank) => outcome(rank, 1));
    const started = performance.now();
    proxy.cut();
    expect(await first).toMatchObject({ error: { code: 'RING_PEER_LOST', detail: { peer: 1 } } });
    expect(await second).toMatchObject({ error: { code: 'RING_PEER_LOST', detail: { peer: 0 } } });
    expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
  });

  it('that falls silent is reported by both sides within the deadline', async () => {
    await outcomes(0);
    proxy.fallSilent();
    const all = await outcomes(1);
    expect(codes(all)).toEqual(all.map(() => 'RING_PEER_SILENT'));
    expect(all[1]).toMatchObject({ error: { detail: { peer: 0, waitingFor: 'data' } } });
  });

  it.each([0, 1, 1234, 4_799])(
    'that alters byte %i of a payload is found out by the checksum on every rank',
    async (byte) => {
      await outcomes(0);
      proxy.flip(payloadAt(generations) + byte, 0x10);
      const all = await outcomes(1);
      expect(codes(all)).toEqual(all.map(() => 'RING_CHECKSUM'));
    },
  );

  it('that alters a header is found out by the receiver', async () => {
    await outcomes(0);
    proxy.flip(HEADER_AT + headerBytes(generations) - 1, 0x01);
    const [, second] = await outcomes(1);
    expect(second).toMatchObject({
      error: { code: 'RING_PROTOCOL', detail: { peer: 0, reason: 'segment 1 instead of 0' } },
    });
  });
});

describe('any altered byte of a step', () => {
  it.each([0, 12])(
    'ends in an error or in the right sum, on every rank (%i bits saved)',
    async (savedBits) => {
      await form(savedBits);
      const truth = await outcomes(1);
      await end();
      // Four phases of one segment a chunk and the lanes, each with its header.
      const stepBytes = 4 * payloadAt(generations) + 4 * SEGMENT_BYTES;
      const byte = fc.record({ at: fc.nat(stepBytes), mask: fc.integer({ min: 1, max: 255 }) });
      await fc.assert(
        fc.asyncProperty(byte, async ({ at, mask }) => {
          await form(savedBits);
          try {
            proxy.flip(at, mask);
            for (const [rank, result] of (await outcomes(1)).entries()) {
              if ('sums' in result) expect(result).toEqual(truth[rank]);
              else expect(result.error.code).toMatch(/^RING_(CHECKSUM|LANE|PROTOCOL|PEER)/);
            }
          } finally {
            await end();
          }
        }),
        { numRuns: 30 },
      );
    },
  );
});
