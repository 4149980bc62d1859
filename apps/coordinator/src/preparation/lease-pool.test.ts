import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeasePool, nextOf } from './lease-pool.js';

/** Has each member always want `want` leases, and each lease last as long as the others. @returns leases of each */
function play(pool: LeasePool, wants: Readonly<Record<string, number>>, rounds: number) {
  const had: Record<string, number> = Object.fromEntries(Object.keys(wants).map((id) => [id, 0]));
  for (const [id, want] of Object.entries(wants)) for (let at = 0; at < want; at++) pool.want(id);
  for (let round = 0; round < rounds; round++) {
    const granted: string[] = [];
    for (let id = pool.grant(); id !== null; id = pool.grant()) granted.push(id);
    for (const id of granted) {
      had[id] = (had[id] ?? 0) + 1;
      pool.giveBack(id);
      pool.want(id);
    }
  }
  return had;
}

describe('the next lease', () => {
  it('is for who holds none, then for who has had least, then for who came first', () => {
    const member = { id: 'a', held: 1, waiting: 1, pass: 0 };
    expect(nextOf([])).toBeNull();
    expect(nextOf([{ ...member, waiting: 0 }])).toBeNull();
    expect(nextOf([member, { ...member, id: 'b', held: 0, pass: 9 }])).toBe('b');
    expect(
      nextOf([
        { ...member, pass: 2 },
        { ...member, id: 'b', pass: 1 },
      ]),
    ).toBe('b');
    expect(nextOf([member, { ...member, id: 'b' }])).toBe('a');
  });
});

describe('a pool of leases', () => {
  it('shares them by priority among those who always want more', () => {
    const pool = new LeasePool(8);
    pool.join('a', 0);
    pool.join('b', 1);
    const { a = 0, b = 0 } = play(pool, { a: 20, b: 20 }, 300);
    expect(a + b).toBe(2400);
    expect(b / a).toBeCloseTo(2, 1);
  });

  it('gives a small one that comes later its share at once, and the large one the rest', () => {
    const pool = new LeasePool(2);
    pool.join('large', 0);
    play(pool, { large: 4 }, 1000);
    pool.join('small', 0);
    expect(play(pool, { small: 1 }, 10)).toEqual({ small: 10, large: 10 });
  });

  it('never gives more than there are, nor more than are wanted, and none stays unused', () => {
    const action = fc.record({
      what: fc.constantFrom('want', 'back', 'leave', 'join'),
      who: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(action, { maxLength: 60 }),
        (size, actions) => {
          const pool = new LeasePool(size);
          const held = new Map<string, number>();
          const waiting = new Map<string, number>();
          const add = (counts: Map<string, number>, id: string, by: number) =>
            counts.set(id, (counts.get(id) ?? 0) + by);
          const sum = (counts: Map<string, number>) =>
            [...counts.values()].reduce((a, b) => a + b, 0);
          for (const { what, who } of actions) {
            if (what === 'join' && !held.has(who)) {
              pool.join(who, 0);
              held.set(who, 0);
              waiting.set(who, 0);
            } else if (!held.has(who)) continue;
            else if (what === 'want') {
              pool.want(who);
              add(waiting, who, 1);
            } else if (what === 'back' && (held.get(who) ?? 0) > 0) {
              pool.giveBack(who);
              add(held, who, -1);
            } else if (what === 'leave') {
              pool.leave(who);
              held.delete(who);
              waiting.delete(who);
            }
            for (let id = pool.grant(); id !== null; id = pool.grant()) {
              add(held, id, 1);
              add(waiting, id, -1);
            }
            expect(sum(held)).toBeLessThanOrEqual(size);
            expect(Math.min(0, ...waiting.values())).toBe(0);
            expect(sum(held) === size || sum(waiting) === 0).toBe(true);
            const without = [...held].filter(
              ([id, count]) => count === 0 && (waiting.get(id) ?? 0) > 0,
            );
            expect(without.length === 0 || sum(held) === size).toBe(true);
          }
        },
      ),
    );
  });
});
