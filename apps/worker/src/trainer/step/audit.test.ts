import { RingmasterError } from '@ringmaster/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { failure } from '../failure.js';
import { endAll, openRanks, stepAll, type Rank } from '../ranks.test.fixture.js';
import { tinyJob } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';
import { planAudit } from './audit-plan.js';

let ground: TrainingGround;
const opened: (readonly Rank[])[] = [];

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map(endAll));
});

afterAll(async () => {
  await ground.remove();
});

async function open(size: number, every = 2): Promise<readonly Rank[]> {
  const ranks = await openRanks(ground, await tinyJob(ground, { audit: { every } }), size);
  opened.push(ranks);
  return ranks;
}

/** What the audit of each of some steps found at each rank; '' for steps without one. */
async function auditsOf(ranks: readonly Rank[], steps: number) {
  const found: string[][] = [];
  for (let step = 0; step < steps; step++) {
    const results = await stepAll(ranks);
    found.push(
      results.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value.audit ?? '';
      }),
    );
  }
  return found;
}

/** The errors that one step ends with. */
async function errorsOf(ranks: readonly Rank[]): Promise<RingmasterError[]> {
  const results = await stepAll(ranks);
  return results.map((result) => {
    if (result.status === 'fulfilled') throw new Error('the step was applied');
    expect(result.reason).toBeInstanceOf(RingmasterError);
    return result.reason as RingmasterError;
  });
}

const hashesOf = (ranks: readonly Rank[]) => ranks.map(({ run }) => run.stateHash());

/** Flips the lowest bit of an element that a rank has quantised, always or the first time. */
function corrupt({ run }: Rank, once: boolean): void {
  let flips = once ? 1 : Infinity;
  const quantise = run.memory.quantiser.quantise.bind(run.memory.quantiser);
  vi.spyOn(run.memory.quantiser, 'quantise').mockImplementation((work, done) => {
    quantise(work, (maximum) => {
      const [element] = [run.memory.shared.int32(work.target, 1)];
      if (work.exponent !== null && flips-- > 0) element[0] = (element[0] ?? 0) ^ 1;
      done(maximum);
    });
    run.memory.quantiser.drain();
  });
}

/** The ranks that compute the audited microbatch of a rank's next step. */
function witnesses([rank]: readonly Rank[]): readonly number[] {
  const { shares } = rank!.session;
  const { step, spec } = rank!.run;
  return planAudit(shares, { seed: spec.seed, step, every: 2 })!.witnesses;
}

describe('an audit', () => {
  it('of ranks that are sound finds nothing and changes no byte', async () => {
    const three = await open(3);
    const [agreed, nothing] = [Array(3).fill('agreed'), Array(3).fill('')];
    expect(await auditsOf(three, 4)).toEqual([agreed, nothing, agreed, nothing]);
    const alone = await open(1, 0);
    expect(await auditsOf(alone, 4)).toEqual(Array(4).fill(['']));
    expect(new Set(hashesOf([...three, ...alone])).size).toBe(1);
  });

  it('hashes no state in other steps', async () => {
    const ranks = await open(2);
    const hashing = vi.spyOn(ranks[0]!.run, 'stateHash');
    await auditsOf(ranks, 4);
    expect(hashing).toHaveBeenCalledTimes(2);
  });

  it('names the rank of three whose state has a flipped bit, which has no state any more', async () => {
    const ranks = await open(3);
    await auditsOf(ranks, 2);
    const hash = ranks[0]!.run.stateHash();
    ranks[1]!.run.state.parts[0]![4321]! ^= 16;
    for (const error of await errorsOf(ranks)) {
      expect(error.code).toBe('STATE_DIVERGED');
      expect(error.detail).toEqual({ step: 2, ranks: [1] });
      expect(failure(1, 2, error)).toMatchObject({ fatal: false, blames: [1] });
    }
    expect(ranks.map(({ run }) => run.isInitialised)).toEqual([true, false, true]);
    expect([ranks[0]!.run.stateHash(), ranks[2]!.run.stateHash()]).toEqual([hash, hash]);
  });

  it('blames neither of two whose states differ, and neither is trusted', async () => {
    const ranks = await open(2);
    ranks[0]!.run.state.moments.get('secondMoments')![0]! += 1;
    for (const error of await errorsOf(ranks)) {
      expect(error).toMatchObject({ code: 'STATE_DIVERGED', detail: { step: 0, ranks: [] } });
      expect(failure(1, 0, error).blames).toEqual([]);
    }
    expect(ranks.map(({ run }) => run.isInitialised)).toEqual([false, false]);
  });

  it.each([0, 1])(
    'names the rank of three that computes other bytes, as owner or as auditor, and applies nothing (%i)',
    async (place) => {
      const ranks = await open(3);
      await auditsOf(ranks, 2);
      const hashes = hashesOf(ranks);
      const culprit = witnesses(ranks)[place]!;
      corrupt(ranks[culprit]!, false);
      for (const error of await errorsOf(ranks)) {
        expect(error.code).toBe('AUDIT_MISMATCH');
        expect(error.detail).toMatchObject({ step: 2, ranks: [culprit] });
        expect(failure(1, 2, error)).toMatchObject({ fatal: false, blames: [culprit] });
      }
      expect(hashesOf(ranks)).toEqual(hashes);
    },
  );

  it('blames neither of two that compute other bytes', async () => {
    const ranks = await open(2);
    corrupt(ranks[1]!, false);
    for (const error of await errorsOf(ranks)) {
      expect(error).toMatchObject({ code: 'AUDIT_MISMATCH', detail: { step: 0, ranks: [] } });
    }
    expect(ranks.every(({ run }) => run.isInitialised && run.step === 0)).toBe(true);
  });

  it('repeats the attempt for a fault that passes, and goes on to the same bytes', async () => {
    const ranks = await open(2);
    await auditsOf(ranks, 2);
    corrupt(ranks[witnesses(ranks)[0]!]!, true);
    expect(await auditsOf(ranks, 2)).toEqual([Array(2).fill('transient'), Array(2).fill('')]);
    const sound = await open(1, 0);
    await auditsOf(sound, 4);
    expect(new Set(hashesOf([...ranks, ...sound])).size).toBe(1);
  });
});
