import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dissenters, planAudit } from './audit-plan.js';

/** Microbatches dealt out over ranks, some of which get none. */
const partition = fc
  .array(fc.nat(5), { minLength: 1, maxLength: 32 })
  .map((owners) =>
    Array.from({ length: 6 }, (_, rank) =>
      owners.flatMap((owner, microbatch) => (owner === rank ? [microbatch] : [])),
    ),
  );

describe('the plan of an audit', () => {
  it('names a microbatch, its owner and another rank that computes in this step', () => {
    fc.assert(
      fc.property(partition, fc.nat(), fc.nat(1000), (shares, seed, step) => {
        const plan = planAudit(shares, { seed, step, every: 1 });
        const computing = shares.flatMap((share, rank) => (share.length > 0 ? [rank] : []));
        if (computing.length < 2) {
          expect(plan).toBeNull();
          return;
        }
        expect(plan?.present).toEqual(computing);
        const { microbatch = -1, witnesses = [] } = plan ?? {};
        expect(shares[witnesses[0] ?? -1]).toContain(microbatch);
        expect(witnesses).toHaveLength(2);
        expect(new Set(witnesses).size).toBe(2);
        expect(computing).toEqual(expect.arrayContaining([...witnesses]));
      }),
    );
  });

  it('is made every so many steps, and never where the job file says 0', () => {
    const shares = [[0], [1]];
    const audited = (every: number) =>
      [...Array(9).keys()].filter((step) => planAudit(shares, { seed: 1, step, every }) !== null);
    expect(audited(4)).toEqual([0, 4, 8]);
    expect(audited(0)).toEqual([]);
  });

  it('comes to every microbatch and lets every other rank recompute it', () => {
    const shares = [[0, 3], [1], [2]];
    const seen = new Set<string>();
    for (let step = 0; step < 200; step++) {
      const plan = planAudit(shares, { seed: 1, step, every: 1 });
      seen.add(`${plan?.microbatch ?? ''} ${plan?.witnesses.join() ?? ''}`);
    }
    expect([...seen].sort()).toEqual([
      '0 0,1',
      '0 0,2',
      '1 1,0',
      '1 1,2',
      '2 2,0',
      '2 2,1',
      '3 0,1',
      '3 0,2',
    ]);
  });
});

describe('dissenters', () => {
  it('are those who differ from what more than half of them say', () => {
    const of = (...values: string[]) => dissenters(new Map(values.entries()));
    expect(of('a', 'a', 'a')).toBeNull();
    expect(of('a', 'b', 'a')).toEqual([1]);
    expect(of('c', 'a', 'b', 'a', 'a')).toEqual([0, 2]);
    expect(of('a', 'b')).toEqual([]);
    expect(of('a', 'a', 'b', 'b')).toEqual([]);
    expect(of('a', 'b', 'c')).toEqual([]);
  });
});
