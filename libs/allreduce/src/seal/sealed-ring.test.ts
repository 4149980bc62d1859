import { afterEach, describe, expect, it } from 'vitest';
import { Dealer, Pull, Push } from 'zeromq';
import { SharedArena } from '../memory/memory.js';
import type { RingOptions } from '../options.js';
import { formatEndpoint, parseEndpoint } from '../ring/endpoint.js';
import { encodeHeader } from '../ring/frame.js';
import { Ring } from '../ring/ring.js';
import { encodeDonorFrame } from '../transfer/donor-frame.js';

const LENGTH = 4_000;
const DEADLINE = { deadlineMs: 10_000 };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A rank of a sealed ring, with room for one range. */
async function bind(rank: number, options: Partial<RingOptions> = {}) {
  const arena = SharedArena.create(1_048_576);
  const ring = await Ring.bind({
    run: 'run-7',
    generation: 5,
    rank,
    size: 2,
    arena,
    segmentBytes: 4_096,
    seal: true,
    ...options,
  });
  closing.push(() => ring.close());
  const offset = arena.allocate(4 * LENGTH);
  const values = arena.int32(offset, LENGTH);
  for (let k = 0; k < LENGTH; k++) values[k] = (rank + 1) * k;
  const sum = (step = 0) =>
    ring.allReduce({ step, attempt: 0, ranges: [{ offset, length: LENGTH }] });
  const bytes = new Uint8Array(arena.memory.buffer, offset, 4 * LENGTH);
  return { ring, values, bytes, sum, range: { offset, length: 4 * LENGTH } };
}

type Rank = Awaited<ReturnType<typeof bind>>;

async function link(ranks: readonly Rank[], endpoints = ranks.map(({ ring }) => ring.endpoint)) {
  await Promise.all(ranks.map(({ ring }) => ring.connect(endpoints, DEADLINE)));
}

function expectSums(ranks: readonly Rank[]): void {
  for (const { values } of ranks) expect(values.every((value, k) => value === 3 * k)).toBe(true);
}

/** Stands between a rank and the rank before it, and hears every frame. */
async function listenIn(
  rank: Rank,
  pass: (frame: Uint8Array[], to: Push) => Promise<void>,
): Promise<{ endpoint: string; heard: Uint8Array[][] }> {
  const [pull, push] = [new Pull({ linger: 0 }), new Push({ linger: 0, immediate: true })];
  closing.push(() => {
    pull.close();
    push.close();
  });
  await pull.bind('tcp://127.0.0.1:*');
  const { address, ...rest } = parseEndpoint(rank.ring.endpoint);
  push.connect(address);
  const heard: Uint8Array[][] = [];
  void (async () => {
    for await (const frame of pull) {
      heard.push(frame);
      await pass(frame, push);
    }
  })().catch(() => undefined);
  return { endpoint: formatEndpoint({ ...rest, address: pull.lastEndpoint ?? '' }), heard };
}

/** Somebody who knows where a rank listens, and no key. */
function stranger(rank: Rank): Push {
  const push = new Push({ linger: 0, immediate: true });
  closing.push(() => {
    push.close();
  });
  push.connect(parseEndpoint(rank.ring.endpoint).address);
  return push;
}

const forged = (generation: number) => [
  encodeHeader({
    run: 'run-7',
    generation,
    rank: 1,
    step: 0,
    attempt: 0,
    bucket: 0,
    phase: 0,
    segment: 0,
  }),
  Buffer.alloc(4_000, 1),
];

describe('a sealed ring', () => {
  it('sums, and who listens hears nothing of what', async () => {
    const ranks = await Promise.all([bind(0), bind(1)]);
    // Some bytes of each summand and of the sum, as they lie in the memory.
    const secrets = [1, 2, 3].map((factor) =>
      Buffer.from(Int32Array.from({ length: 8 }, (_, k) => factor * (2_500 + k)).buffer),
    );
    const taps = await Promise.all(
      ranks.map((rank) => listenIn(rank, (frame, to) => to.send(frame))),
    );
    await link(
      ranks,
      taps.map(({ endpoint }) => endpoint),
    );
    await Promise.all(ranks.map(({ sum }) => sum()));
    expectSums(ranks);
    const heard = Buffer.concat(taps.flatMap((tap) => tap.heard.flat()));
    expect(heard.length).toBeGreaterThan(8 * LENGTH - 1);
    for (const secret of secrets) expect(heard.includes(secret)).toBe(false);
    const plain = Buffer.from(ranks[0].values.buffer);
    expect(plain.includes(secrets[2]!)).toBe(true);
  });

  it('takes nothing from strangers, who neither link nor end it', async () => {
    const ranks = await Promise.all([bind(0), bind(1)]);
    const intruder = stranger(ranks[0]);
    for (const frame of [forged(5), [Buffer.from('greeting'), Buffer.alloc(0)], [Buffer.from('x')]])
      await intruder.send(frame);
    await link(ranks);
    for (let k = 0; k < 3; k++) await intruder.send([...forged(5), Buffer.alloc(16)]);
    const [report] = await Promise.all(ranks.map(({ sum }) => sum()));
    expectSums(ranks);
    // Of the six from the stranger, those that were not dropped while linking, or are still under way; none of its own.
    expect(report!.framesDropped).toBeLessThanOrEqual(6);
  });

  it('is not linked by a stranger alone', async () => {
    const ranks = await Promise.all([bind(0), bind(1)]);
    await stranger(ranks[0]).send(forged(5));
    const endpoints = ranks.map(({ ring }) => ring.endpoint);
    await expect(ranks[0].ring.connect(endpoints, { deadlineMs: 300 })).rejects.toMatchObject({
      code: 'RING_LINK_FAILED',
      detail: { peer: 1 },
    });
  });

  it('drops frames that come twice', async () => {
    const ranks = await Promise.all([bind(0), bind(1)]);
    const tap = await listenIn(ranks[0], async (frame, to) => {
      await to.send(frame);
      await to.send(frame);
    });
    await link(ranks, [tap.endpoint, ranks[1].ring.endpoint]);
    const [report] = await Promise.all(ranks.map(({ sum }) => sum()));
    expectSums(ranks);
    // The last one may still be on its way when the sum is complete.
    expect(report!.framesDropped).toBeGreaterThanOrEqual(tap.heard.length - 2);
  });

  it('takes nothing of an older generation of the same ranks', async () => {
    const before = await Promise.all([bind(0, { generation: 4 }), bind(1, { generation: 4 })]);
    const tap = await listenIn(before[0], (frame, to) => to.send(frame));
    await link(before, [tap.endpoint, before[1].ring.endpoint]);
    await Promise.all(before.map(({ sum }) => sum()));
    const ranks = await Promise.all([bind(0), bind(1)]);
    const intruder = stranger(ranks[0]);
    await intruder.send(tap.heard[0]!);
    await link(ranks);
    for (const frame of tap.heard) await intruder.send(frame);
    await Promise.all(ranks.map(({ sum }) => sum()));
    expectSums(ranks);
  });

  it('is none of ranks of which some do not seal', async () => {
    const ranks = await Promise.all([bind(0), bind(1, { seal: false })]);
    const endpoints = ranks.map(({ ring }) => ring.endpoint);
    for (const [rank, { ring }] of ranks.entries())
      await expect(ring.connect(endpoints, DEADLINE)).rejects.toMatchObject({
        code: 'RING_LINK_FAILED',
        detail: { rank, peer: 1 - rank },
      });
  });
});

describe('a donor of a sealed ring', () => {
  it('gives its state to ranks of the generation, hidden, and answers nobody else', async () => {
    const ranks = await Promise.all([bind(0), bind(1)]);
    const [donor, taker] = [ranks[0], ranks[1]];
    const state = Buffer.from(donor.bytes);
    const seat = { rank: 0, endpoint: donor.ring.donor };
    const older = await Promise.all([bind(0, { generation: 4 }), bind(1, { generation: 4 })]);
    await link(older);
    const dealer = new Dealer({ linger: 0, receiveTimeout: 300 });
    closing.push(() => {
      dealer.close();
    });
    dealer.connect(donor.ring.donor);
    const request = encodeDonorFrame({ run: 'run-7', generation: 5, rank: 1 }, { kind: 'offer' });
    // One before it is known who may ask, one after.
    await dealer.send([request]);
    await link(ranks);
    await dealer.send([request, Buffer.alloc(0), Buffer.alloc(28)]);
    donor.ring.offer({ prefix: Buffer.from('{}'), ...donor.range });
    const fetched = await taker.ring.fetch([seat], { ...taker.range, ...DEADLINE });
    expect(fetched.prefix).toEqual(new Uint8Array(Buffer.from('{}')));
    expect(Buffer.compare(taker.bytes, state)).toBe(0);
    await expect(
      older[1].ring.fetch([seat], { ...older[1].range, deadlineMs: 300 }),
    ).rejects.toMatchObject({ code: 'STATE_TRANSFER_FAILED' });
    await expect(dealer.receive()).rejects.toMatchObject({ code: 'EAGAIN' });
  });
});

describe('ports', () => {
  it('are those of the range, and none beside it when all are taken', async () => {
    const probe = new Pull();
    await probe.bind('tcp://127.0.0.1:*');
    const first = Number(new URL(probe.lastEndpoint ?? '').port);
    probe.close();
    const ports = { first, last: first + 3 };
    const portsOf = ({ ring }: Rank) =>
      [ring.endpoint, ring.donor].map((endpoint) => Number(new URL(endpoint).port));
    const ranks = [await bind(0, { ports }), await bind(1, { ports })];
    expect(ranks.flatMap(portsOf).sort()).toEqual([first, first + 1, first + 2, first + 3]);
    const beyond = await bind(0, { ports }).catch((error: unknown) => error);
    expect(beyond).toMatchObject({ code: 'RING_BIND_FAILED' });
    expect(String(beyond)).toContain('every port of the range is in use');
  });
});
