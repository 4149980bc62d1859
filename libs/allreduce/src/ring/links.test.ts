import { afterEach, describe, expect, it } from 'vitest';
import { Pull, Push } from 'zeromq';
import { encodeMessage } from '@ringmaster/protocol';
import { Kernels } from '../memory/kernels.js';
import { SharedArena } from '../memory/memory.js';
import type { RingOptions } from '../options.js';
import { encodeHeader, type Header } from './frame.js';
import { Lanes } from './lanes.js';
import { Ring } from './ring.js';
import { adds, sentBy } from './schedule.js';

const LENGTH = 1_600;
const DEADLINE = { deadlineMs: 5_000 };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function bind(options: Partial<RingOptions> = {}) {
  const arena = options.arena ?? SharedArena.create(262_144);
  const ring = await Ring.bind({
    run: 'run-7',
    generation: 5,
    rank: 0,
    size: 2,
    arena,
    segmentBytes: 800,
    ...options,
  });
  closing.push(() => ring.close());
  return { ring, arena };
}

/** Rank 1 of 2, by hand. */
class Peer {
  readonly pull = new Pull({ linger: 0 });
  readonly push = new Push({ linger: 0, immediate: true });
  readonly ring: Ring;
  readonly arena: SharedArena;
  /** Where the ring under test has its data, and where its lanes. */
  readonly offset: number;
  /** The peer's own summands; after `exchange`, the sums. */
  readonly values = Int32Array.from({ length: LENGTH }, (_, k) => 7 * k);

  private constructor(ring: Ring, arena: SharedArena) {
    this.ring = ring;
    this.arena = arena;
    this.offset = arena.allocate(4 * LENGTH);
    arena.int32(this.offset, LENGTH).set(Array.from({ length: LENGTH }, (_, k) => k));
    closing.push(() => {
      this.pull.close();
      this.push.close();
    });
  }

  static async join(): Promise<Peer> {
    const { ring, arena } = await bind();
    const peer = new Peer(ring, arena);
    await peer.pull.bind('tcp://127.0.0.1:*');
    peer.push.connect(ring.endpoint);
    await ring.connect(['', peer.pull.lastEndpoint ?? ''], DEADLINE);
    return peer;
  }

  static header(changes: Partial<Header> = {}): Header {
    const due = { step: 9, attempt: 2, bucket: 0, phase: 0, segment: 0 };
    return { run: 'run-7', generation: 5, rank: 1, ...due, ...changes };
  }

  allReduce(options: { readonly deadlineMs?: number } = {}) {
    return this.ring.allReduce({
      ...options,
      step: 9,
      attempt: 2,
      ranges: [{ offset: this.offset, length: LENGTH }],
    });
  }

  /** Does rank 1's part of the all-reduce; `tamper` may alter what is sent. */
  async exchange(
    tamper: (payloads: Int32Array[], phase: number) => void = () => undefined,
  ): Promise<void> {
    for (const phase of [0, 1]) {
      const mine = sentBy(1, 2, [LENGTH], 200).filter((segment) => segment.phase === phase);
      const theirs = sentBy(0, 2, [LENGTH], 200).filter((segment) => segment.phase === phase);
      const payloads = mine.map(({ start, length }) => this.values.slice(start, start + length));
      tamper(payloads, phase);
      const sending = (async () => {
        for (const [index, { segment }] of mine.entries()) {
          const head = encodeHeader(Peer.header({ phase, segment }));
          await this.push.send([head, payloads[index]!]);
        }
      })();
      for (const { start, length } of theirs) {
        const [, payload] = await this.pull.receive();
        const received = new Int32Array(Uint8Array.from(payload!).buffer);
        for (let k = 0; k < length; k++) {
          const before = adds(phase, 2) ? this.values[start + k]! : 0;
          this.values[start + k] = before + received[k]!;
        }
      }
      await sending;
    }
  }
}

describe('frames', () => {
  it('of older generations and attempts are dropped and counted', async () => {
    const peer = await Peer.join();
    const reduced = peer.allReduce();
    const stale = [{ generation: 4 }, { generation: 0, rank: 9, step: 100 }, { attempt: 1 }];
    for (const changes of stale) {
      await peer.push.send([encodeHeader(Peer.header(changes)), Buffer.alloc(800, 255)]);
    }
    await peer.exchange();
    expect((await reduced).framesDropped).toBe(3);
    const expected = Array.from({ length: LENGTH }, (_, k) => 8 * k);
    expect([...peer.values]).toEqual(expected);
    expect([...peer.arena.int32(peer.offset, LENGTH)]).toEqual(expected);
  });

  const head = (changes?: Partial<Header>) => encodeHeader(Peer.header(changes));
  const payload = Buffer.alloc(800);
  it.each([
    ['another run', [head({ run: 'run-8' }), payload], "run 'run-8' instead of 'run-7'"],
    ['a later generation', [head({ generation: 6 }), payload], 'generation 6 instead of 5'],
    ['another rank', [head({ rank: 0 }), payload], 'rank 0 instead of 1'],
    ['another step', [head({ step: 8 }), payload], 'step 8 instead of 9'],
    [
      'a step beyond 2^53',
      [encodeMessage({ ...Peer.header(), step: 2n ** 60n }), payload],
      'step 1152921504606846976n instead of 9',
    ],
    ['a later attempt', [head({ attempt: 3 }), payload], 'attempt 3 instead of 2'],
    ['another segment', [head({ segment: 1 }), payload], 'segment 1 instead of 0'],
    ['another size', [head(), Buffer.alloc(796)], 'a payload of 796 bytes instead of 800'],
    ['no payload', [head()], '1 parts instead of 2 or 3'],
    ['four parts', [head(), payload, payload, payload], '4 parts instead of 2 or 3'],
    [
      'a payload and a reference',
      [head(), payload, Buffer.alloc(4)],
      'a payload of 800 bytes instead of 0',
    ],
    [
      'a reference to memory that is not mapped',
      [head(), Buffer.alloc(0), Buffer.alloc(4)],
      'a reference to no place that can be read here',
    ],
    ['no header', [Buffer.from('GET / HTTP/1.1'), payload], 'an undecodable header'],
    ['a long header', [Buffer.alloc(513), payload], 'a header of 513 bytes'],
  ])('of %s are a protocol error', async (_, frame, reason) => {
    const peer = await Peer.join();
    const reduced = peer.allReduce();
    await Promise.all([
      expect(reduced).rejects.toMatchObject({ code: 'RING_PROTOCOL', detail: { peer: 1, reason } }),
      peer.push.send(frame),
    ]);
    await expect(peer.allReduce()).rejects.toMatchObject({ code: 'RING_CLOSED' });
  });

  it('beyond the segment size never reach the decoder', async () => {
    const peer = await Peer.join();
    const reduced = peer.allReduce();
    await Promise.all([
      expect(reduced).rejects.toMatchObject({ code: 'RING_PEER_LOST', detail: { peer: 1 } }),
      peer.push.send([head(), Buffer.alloc(100_000)]),
    ]);
  });

  it.each([
    ['flipped', (payloads: Int32Array[]) => (payloads[2]![30]! ^= 1 << 12)],
    ['repeated', (payloads: Int32Array[]) => (payloads[2] = payloads[1]!)],
    ['zero', (payloads: Int32Array[]) => payloads[2]!.fill(0)],
  ])('with a %s segment are caught by the checksum', async (_, tamper) => {
    const peer = await Peer.join();
    const kernels = Kernels.instantiate(peer.arena.memory);
    const checksum = () => kernels.checksum(peer.offset, LENGTH, 0);
    const lanes = new Lanes({
      microbatches: 0,
      sums: 0,
      counts: 0,
      maxima: 0,
      ranks: 2,
      controls: 1,
    });
    // By linearity 8 times the checksum of rank 0, since rank 1 has 7 times its values.
    const block = new Int32Array(lanes.words);
    lanes.writeChecksum(block, Math.imul(8, checksum()));
    const reduced = peer.allReduce();
    await peer.exchange((payloads, phase) => {
      if (phase === 1) tamper(payloads);
    });
    await reduced;
    expect(() => {
      lanes.verify(lanes.read(block), checksum());
    }).toThrow('do not match the checksums');
  });
});

describe('a ring', () => {
  it('rejects what is pending when it is closed, and closes twice', async () => {
    const peer = await Peer.join();
    const reduced = peer.allReduce();
    await Promise.all([
      expect(reduced).rejects.toMatchObject({ code: 'RING_CLOSED' }),
      peer.ring.close(),
    ]);
    await peer.ring.close();
  });

  it('waits no longer than an operation says', async () => {
    const peer = await Peer.join();
    const started = performance.now();
    await expect(peer.allReduce({ deadlineMs: 300 })).rejects.toMatchObject({
      code: 'RING_PEER_SILENT',
      detail: { peer: 1, waitingFor: 'data' },
    });
    expect(performance.now() - started).toBeLessThan(DEADLINE.deadlineMs);
  });

  it('rejects a pending connect when it is closed', async () => {
    const { ring } = await bind();
    const other = await bind({ rank: 1 });
    const linked = ring.connect([ring.endpoint, other.ring.endpoint], { deadlineMs: 60_000 });
    await Promise.all([
      expect(linked).rejects.toMatchObject({ code: 'RING_CLOSED' }),
      ring.close(),
    ]);
  });

  it('names a neighbour that never connects', async () => {
    const { ring } = await bind();
    const deaf = new Pull();
    await deaf.bind('tcp://127.0.0.1:*');
    closing.push(() => {
      deaf.close();
    });
    const linked = ring.connect(['', deaf.lastEndpoint ?? ''], { deadlineMs: 300 });
    await expect(linked).rejects.toMatchObject({
      code: 'RING_LINK_FAILED',
      detail: { rank: 0, peer: 1, endpoint: ring.endpoint },
    });
  });

  it('names an endpoint that refuses', async () => {
    const { ring } = await bind();
    await expect(ring.connect(['', 'tcp://127.0.0.1:1'], DEADLINE)).rejects.toMatchObject({
      code: 'RING_LINK_FAILED',
      detail: { peer: 1, endpoint: 'tcp://127.0.0.1:1', reason: 'the connection was refused' },
    });
  });

  it('gives its staging room back, so that generations do not eat the arena', async () => {
    const arena = SharedArena.create(65_536);
    for (let generation = 0; generation < 5; generation++) {
      const { ring } = await bind({ arena, generation, segmentBytes: 40_000 });
      await ring.close();
    }
    expect(arena.tryAllocate(40_000)).not.toBeNull();
  });

  it('lets its last frames leave when it is closed right after an operation', async () => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = await Promise.all([bind({ rank: 0 }), bind({ rank: 1 })]);
      const endpoints = [a.ring.endpoint, b.ring.endpoint];
      await Promise.all([a.ring.connect(endpoints, DEADLINE), b.ring.connect(endpoints, DEADLINE)]);
      await Promise.all(
        [a, b].map(async ({ ring, arena }, rank) => {
          const offset = arena.allocate(4 * LENGTH);
          const values = arena.int32(offset, LENGTH).fill(1 + rank);
          const ranges = [{ offset, length: LENGTH }];
          await ring.allReduce({ step: 0, attempt: 0, ranges });
          await ring.close();
          expect(values.every((value) => value === 3)).toBe(true);
        }),
      );
    }
  });
});

describe('a ring that is closed while the rank after takes nothing', () => {
  const ELEMENTS = 524_288;

  it.each([true, false])('(abandon: %s) does so soon, and reads no more', async (abandon) => {
    const arena = SharedArena.create(4 * ELEMENTS + 2_097_152);
    const { ring } = await bind({ arena, segmentBytes: 1_048_576 });
    const pull = new Pull({ linger: 0, receiveHighWaterMark: 1, receiveTimeout: 1_000 });
    const push = new Push({ linger: 0, immediate: true });
    closing.push(() => {
      pull.close();
      push.close();
    });
    await pull.bind('tcp://127.0.0.1:*');
    push.connect(ring.endpoint);
    await ring.connect(['', pull.lastEndpoint ?? ''], { deadlineMs: 60_000 });

    const frames: Uint8Array[][] = [];
    const offset = arena.allocate(4 * ELEMENTS);
    // All sums are the same, so the range is too however often it is sent, until every buffer on the way is full. They
    // need all of their bits, so what is sent is what lies there.
    const SUM = 2 ** 31 - 1;
    const values = arena.int32(offset, ELEMENTS).fill(SUM);
    for (let step = 0, full = false; !full; step++) {
      const ranges = [{ offset, length: ELEMENTS }];
      const state = { reduced: false };
      const reducing = ring.allReduce({ step, attempt: 0, ranges }).then(() => {
        state.reduced = true;
      });
      for (const { phase, segment, length } of sentBy(1, 2, [ELEMENTS], 262_144)) {
        const head = encodeHeader(Peer.header({ step, attempt: 0, phase, segment }));
        await push.send([head, new Int32Array(length).fill(phase * SUM)]);
      }
      await Promise.race([reducing, new Promise((resolve) => setTimeout(resolve, 1_000))]);
      full = !state.reduced;
      while (!state.reduced) frames.push(await pull.receive());
    }

    const started = performance.now();
    await ring.close({ abandon });
    // Generous: it lingers for a second, or not at all.
    expect(performance.now() - started).toBeLessThan(10_000);
    values.fill(-1);
    await expect(
      (async () => {
        for (;;) frames.push(await pull.receive());
      })(),
    ).rejects.toMatchObject({ code: 'EAGAIN' });
    expect(frames.length).toBeGreaterThan(2);
    for (const [, payload] of frames) {
      const received = new Int32Array(Uint8Array.from(payload!).buffer);
      expect(received.every((value) => value === SUM)).toBe(true);
    }
  });
});
