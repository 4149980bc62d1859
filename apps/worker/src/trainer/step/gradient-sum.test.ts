import type { Layout } from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Quantiser } from '../quantising/quantiser.js';
import { memoryRequest } from '../run/load.js';
import { allocateMemory } from '../run/memory-layout.js';
import { Run } from '../run/run.js';
import { endAll, openRanks, stepAll, type Rank } from '../ranks.test.fixture.js';
import { tinyJob } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';
import type { Buckets } from './buckets.js';

let ground: TrainingGround;
let job: object;
const opened: (readonly Rank[])[] = [];

beforeAll(async () => {
  ground = await TrainingGround.create();
  job = await tinyJob(ground, { audit: { every: 2 } });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map(endAll));
});

afterAll(async () => {
  await ground.remove();
});

async function open(size: number, cut?: (layout: Layout) => Buckets): Promise<readonly Rank[]> {
  const ranks = await openRanks(ground, job, size, (run) =>
    cut === undefined ? run : new Run(run.loaded, run.memory, cut(run.layout)),
  );
  opened.push(ranks);
  return ranks;
}

/** Ranks that quantise every gradient aside, however small, or none. */
async function openQuantising(
  aside: boolean,
  size: number,
  cut: (layout: Layout) => Buckets,
  isShared = false,
): Promise<readonly Rank[]> {
  const ranks = await openRanks(ground, job, size, ({ loaded, memory: own, layout }) => {
    const memory = isShared ? allocateMemory(layout, { ...memoryRequest(loaded), large: 1 }) : own;
    const [first, second] = memory.arenas;
    expect([first.isShared, second.isShared]).toEqual([isShared, isShared]);
    expect(first.offset === second.offset).toBe(isShared);
    const { shared, kernels } = memory;
    const largest = Math.max(...layout.tensors.map(({ length }) => length));
    const quantiser = new Quantiser(shared, kernels, { largest, leastAside: 1 });
    const run = new Run(loaded, { ...memory, quantiser }, cut(layout));
    loaded.model.load((name) => run.valuesOf(name, 'parameters'));
    return run;
  });
  opened.push(ranks);
  for (const { run } of ranks) await run.memory.quantiser.setAside(aside);
  return ranks;
}

/** Steps, and the hash that all ranks have then. */
async function hashAfter(ranks: readonly Rank[], steps: number): Promise<string> {
  for (let step = 0; step < steps; step++) {
    for (const result of await stepAll(ranks))
      if (result.status === 'rejected') throw result.reason;
  }
  const [hash = '', ...others] = ranks.map(({ run }) => run.stateHash());
  for (const other of others) expect(other).toBe(hash);
  return hash;
}

/** Buckets that begin at tensors, by their index; the first begins where it must. */
const cutAt =
  (places: readonly number[]) =>
  (layout: Layout): Buckets => {
    const count = layout.tensors.length;
    const starts = [...new Set([0, ...places.map((place) => place % count)])].sort((a, b) => b - a);
    const ends = [count, ...starts];
    const offset = (tensor: number) => layout.tensors[tensor]?.offset ?? layout.length;
    return {
      all: starts.map((start, place) => ({
        first: offset(start),
        length: offset(ends[place]!) - offset(start),
        tensors: ends[place]! - start,
      })),
      ofTensor: layout.tensors.map(({ index }) => starts.findIndex((start) => start <= index)),
    };
  };

/** The ranges of each operation that a rank begins, as first elements. */
function watchOperations({ run, session }: Rank) {
  const begun: { readonly firsts: readonly number[]; readonly busy: boolean }[] = [];
  const allReduce = session.allReduce.bind(session);
  let busy = false;
  const forwardBackward = run.loaded.model.forwardBackward.bind(run.loaded.model);
  vi.spyOn(run.loaded.model, 'forwardBackward').mockImplementation((...args) => {
    busy = true;
    const result = forwardBackward(...args);
    busy = false;
    return result;
  });
  vi.spyOn(session, 'allReduce').mockImplementation((step, attempt, ranges) => {
    begun.push({ firsts: ranges.map(({ offset }) => offset), busy });
    return allReduce(step, attempt, ranges);
  });
  return begun;
}

describe('the sum of an attempt', () => {
  it('begins the same buckets in the same order on every rank, all but the last while the last microbatch is computed', async () => {
    const ranks = await openQuantising(false, 2, cutAt([3, 9, 20]));
    await hashAfter(ranks, 1);
    const begun = ranks.map(watchOperations);
    await hashAfter(ranks, 1);
    const { all } = ranks[0]!.run.buckets;
    for (const [rank, operations] of begun.entries()) {
      expect(operations).toHaveLength(all.length);
      // Arenas lie at other places in other memories.
      const [firsts, others] = [operations, begun[0]!].map((some) =>
        some.map((op) => op.firsts.map((first) => first - some[0]!.firsts[0]!)),
      );
      expect([rank, firsts]).toEqual([rank, others]);
      expect(operations.map(({ busy }) => busy)).toEqual([...all.slice(1).map(() => true), false]);
    }
  });

  it('sums lanes by themselves where gradients have one place', async () => {
    const ranks = await openQuantising(false, 2, cutAt([3, 9, 20]), true);
    await hashAfter(ranks, 1);
    const [begun] = ranks.map(watchOperations);
    await hashAfter(ranks, 2);
    const { all } = ranks[0]!.run.buckets;
    const starts = begun!.map(({ firsts }) => firsts);
    expect(starts).toHaveLength(2 * (all.length + 1));
    const [first, second] = [starts.slice(0, all.length + 1), starts.slice(all.length + 1)];
    expect(second.slice(0, -1)).toEqual(first.slice(0, -1));
    expect(second.at(-1)).not.toEqual(first.at(-1));
  });

  it('has more than one bucket in the model of these tests', async () => {
    const [rank] = await open(1);
    expect(rank!.run.buckets.all.length).toBeGreaterThan(1);
  });

  it('has the same bytes for every cut and any number of ranks, however they quantise, in one place or two', async () => {
    const expected = await hashAfter(await open(1, cutAt([])), 3);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.boolean(),
        async (places, size, aside, isShared) => {
          const ranks = await openQuantising(aside, size, cutAt(places), isShared);
          expect(await hashAfter(ranks, 3)).toBe(expected);
          await endAll(ranks);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('is repeated as a whole when a window did not fit, with buckets under way', async () => {
    const hashes = new Set<string>();
    for (const [size, places] of [
      [1, []],
      [2, [3, 9, 20]],
      [3, [1, 2, 5, 14, 30]],
    ] as const) {
      const ranks = await openQuantising(size !== 2, size, cutAt(places));
      await hashAfter(ranks, 2);
      // Every gradient of the next step is far larger than its window.
      for (const { run } of ranks) run.state.exponents.fill(60);
      const results = await stepAll(ranks);
      expect(
        results.map((result) => result.status === 'fulfilled' && result.value.attempts),
      ).toEqual(ranks.map(() => 2));
      hashes.add(await hashAfter(ranks, 1));
    }
    expect(hashes.size).toBe(1);
  });

  it('changes no state when a rank is lost between two buckets', async () => {
    const ranks = await open(3, cutAt([3, 9, 20]));
    const before = await hashAfter(ranks, 2);
    const { session } = ranks[1]!;
    const allReduce = session.allReduce.bind(session);
    let begun = 0;
    vi.spyOn(session, 'allReduce').mockImplementation((...operation) => {
      if (++begun === 3) throw new Error('lost');
      return allReduce(...operation);
    });
    const losing = stepAll(ranks);
    while (begun < 3) await setImmediate();
    await session.end({ abandon: true });
    const codes = (await losing).map((result) => {
      const error = (result as PromiseRejectedResult).reason as Error;
      return error instanceof RingmasterError ? String(error.code) : error.message;
    });
    expect(codes).toEqual(['RING_PEER_LOST', 'lost', 'RING_PEER_LOST']);
    // Whom they waited for is known, though later buckets could say nothing of it. The first may have found that the last
    // has given up before it found why: the chain leads there.
    const waitsFor = (place: number) => ranks[place]!.session.interruption()?.waitsFor;
    expect(waitsFor(2)).toBe(1);
    expect([1, 2]).toContain(waitsFor(0));
    expect(ranks.map(({ run }) => run.stateHash())).toEqual(ranks.map(() => before));
  });

  it('finds a bit that changed in a bucket under way', async () => {
    const ranks = await open(2, cutAt([3, 9, 20]));
    await hashAfter(ranks, 1);
    const { run } = ranks[0]!;
    const checksum = run.memory.kernels.checksum.bind(run.memory.kernels);
    let flips = 1;
    vi.spyOn(run.memory.kernels, 'checksum').mockImplementation((source, length, first) => {
      const taken = checksum(source, length, first);
      const [element] = [run.memory.shared.int32(source, 1)];
      if (first > 0 && flips-- > 0) element[0] = (element[0] ?? 0) ^ 4;
      return taken;
    });
    for (const result of await stepAll(ranks))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RING_CHECKSUM' } });
  });
});
