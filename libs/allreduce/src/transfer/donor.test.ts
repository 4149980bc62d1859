import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Router } from 'zeromq';
import { SharedArena } from '../memory/memory.js';
import type { RingOptions } from '../options.js';
import { Ring } from '../ring/ring.js';
import { encodeDonorFrame } from './donor-frame.js';

const BYTES = 5 * 1_048_576 + 12_345;
const prefix = Buffer.from('{"step":7}');
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A rank of a generation, with room for one range. */
async function bind(rank: number, options: Partial<RingOptions> = {}) {
  const arena = SharedArena.create(BYTES + 1_048_576);
  const offset = arena.allocate(BYTES);
  const ring = await Ring.bind({
    run: 'run-7',
    generation: 5,
    rank,
    size: 4,
    arena,
    segmentBytes: 800,
    ...options,
  });
  closing.push(() => ring.close());
  const seat = { rank, endpoint: ring.donor };
  const bytes = new Uint8Array(arena.memory.buffer, offset, BYTES);
  return { ring, arena, seat, bytes, range: { offset, length: BYTES } };
}

/** Ranks that hold the same bytes. */
async function holders(count: number, options?: Partial<RingOptions>) {
  const all = await Promise.all(Array.from({ length: count }, (_, rank) => bind(rank, options)));
  for (const { bytes } of all) for (let k = 0; k < BYTES; k++) bytes[k] = (k * k) >> 7;
  return all;
}

const digest = (bytes: Uint8Array) =>
  createHash('sha256').update(prefix).update(bytes).digest('hex');
const DEADLINE = { deadlineMs: 20_000 };

describe('a range of the arena', () => {
  it.each([1, 3])('is taken over from %i donors before anybody is linked', async (count) => {
    const donors = await holders(count);
    for (const { ring, range } of donors) ring.offer({ prefix, ...range });
    const taker = await bind(3);
    const seats = donors.map(({ seat }) => seat);
    const fetched = await taker.ring.fetch(seats, { ...taker.range, ...DEADLINE });
    expect(Buffer.from(fetched.prefix)).toEqual(prefix);
    expect(fetched.sha256).toBe(digest(donors[0]!.bytes));
    expect(Buffer.compare(taker.bytes, donors[0]!.bytes)).toBe(0);
    expect(taker.ring.standing().operation).toBe('idle');
  });

  it('of no bytes is its prefix', async () => {
    const [donor] = await holders(1);
    donor!.ring.offer({ prefix, offset: 0, length: 0 });
    const taker = await bind(3);
    const fetched = await taker.ring.fetch([donor!.seat], { offset: 0, length: 0, ...DEADLINE });
    expect(fetched.sha256).toBe(digest(new Uint8Array()));
  });

  it('is given once it is offered, and meanwhile the taker knows for whom it waits', async () => {
    const [donor] = await holders(1);
    const taker = await bind(3);
    const fetching = taker.ring.fetch([donor!.seat], { ...taker.range, ...DEADLINE });
    await expect
      .poll(() => taker.ring.standing())
      .toMatchObject({ operation: 'fetch', waitsFor: 0, bytesReceived: 0, bytesToReceive: BYTES });
    donor!.ring.offer({ prefix, ...donor!.range });
    expect((await fetching).sha256).toBe(digest(donor!.bytes));
  });

  it('is whole, however often its donor withdraws it and offers another', async () => {
    const [donor] = await holders(1);
    const taker = await bind(3);
    const offered = new Set<string>();
    const fetching = taker.ring.fetch([donor!.seat], { ...taker.range, ...DEADLINE });
    for (let round = 0; round < 20; round++) {
      donor!.ring.withdrawOffer();
      donor!.bytes.fill(round);
      offered.add(digest(donor!.bytes));
      donor!.ring.offer({ prefix, ...donor!.range });
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
    }
    const { sha256 } = await fetching;
    expect(offered).toContain(sha256);
    expect(digest(taker.bytes)).toBe(sha256);
  });

  it('is refused to another generation and to another run', async () => {
    const [donor] = await holders(1);
    donor!.ring.offer({ prefix, ...donor!.range });
    for (const stranger of [{ generation: 4 }, { run: 'run-8' }]) {
      const taker = await bind(3, stranger);
      await expect(
        taker.ring.fetch([donor!.seat], { ...taker.range, ...DEADLINE }),
      ).rejects.toMatchObject({
        code: 'STATE_TRANSFER_FAILED',
        detail: {
          reason: 'no donor is left',
          donors: [{ ...donor!.seat, reason: expect.stringContaining('refused') as string }],
        },
      });
      expect(taker.bytes.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('is taken from who offers that many bytes', async () => {
    const [small, right] = await holders(2);
    small!.ring.offer({ prefix, offset: 0, length: 1000 });
    right!.ring.offer({ prefix, ...right!.range });
    const taker = await bind(3);
    const seats = [small!.seat, right!.seat];
    const { sha256 } = await taker.ring.fetch(seats, { ...taker.range, ...DEADLINE });
    expect(sha256).toBe(digest(right!.bytes));
    await expect(
      taker.ring.fetch([small!.seat], { ...taker.range, ...DEADLINE }),
    ).rejects.toMatchObject({ code: 'STATE_TRANSFER_FAILED' });
  });

  it('comes from the others when a donor closes or never answers', async () => {
    const [leaving, staying] = await holders(2);
    for (const { ring, range } of [leaving!, staying!]) ring.offer({ prefix, ...range });
    const mute = new Router({ linger: 0 });
    await mute.bind('tcp://127.0.0.1:*');
    closing.push(() => {
      mute.close();
    });
    const seats = [
      { rank: 2, endpoint: mute.lastEndpoint ?? '' },
      { rank: 2, endpoint: 'tcp://127.0.0.1:1' },
      leaving!.seat,
      staying!.seat,
    ];
    const taker = await bind(3);
    const fetching = taker.ring.fetch(seats, { ...taker.range, ...DEADLINE });
    await leaving!.ring.close({ abandon: true });
    expect((await fetching).sha256).toBe(digest(staying!.bytes));
  });

  it('that nobody gives names every donor and why', async () => {
    const [donor] = await holders(1);
    const taker = await bind(3);
    const seats = [donor!.seat, { rank: 1, endpoint: 'tcp://127.0.0.1:1' }];
    await expect(
      taker.ring.fetch(seats, { ...taker.range, deadlineMs: 300 }),
    ).rejects.toMatchObject({
      code: 'STATE_TRANSFER_FAILED',
      detail: {
        rank: 3,
        generation: 5,
        donors: [
          { rank: 0, reason: expect.stringContaining('offered nothing') as string },
          { rank: 1, reason: 'its connection ended' },
        ],
      },
    });
  });

  it('with another hash than its donor names is not taken', async () => {
    const forger = new Router({ linger: 0 });
    await forger.bind('tcp://127.0.0.1:*');
    closing.push(() => {
      forger.close();
    });
    const sender = { run: 'run-7', generation: 5, rank: 1 };
    const sha256 = digest(new Uint8Array(100));
    void (async () => {
      for (let index = 0; index < 2; index++) {
        const [peer] = await forger.receive();
        const [body, payload] =
          index === 0
            ? [{ kind: 'offer', sha256, length: 100 } as const, prefix]
            : [{ kind: 'chunk', sha256, offset: 0, length: 100 } as const, Buffer.alloc(100, 1)];
        await forger.send([peer!, encodeDonorFrame(sender, body), payload]);
      }
    })();
    const taker = await bind(3);
    await expect(
      taker.ring.fetch([{ rank: 1, endpoint: forger.lastEndpoint ?? '' }], {
        ...taker.range,
        length: 100,
        ...DEADLINE,
      }),
    ).rejects.toMatchObject({
      code: 'STATE_TRANSFER_FAILED',
      detail: { reason: expect.stringContaining(`instead of ${sha256}`) as string },
    });
  });

  it('is not waited for once the ring is closed', async () => {
    const [donor] = await holders(1);
    const taker = await bind(3);
    const fetching = taker.ring.fetch([donor!.seat], { ...taker.range, ...DEADLINE });
    await Promise.all([
      expect(fetching).rejects.toMatchObject({ code: 'RING_CLOSED' }),
      taker.ring.close(),
    ]);
  });
});
