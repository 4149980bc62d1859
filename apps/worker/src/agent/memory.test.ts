import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OomKills, oomKillFile, oomKillsIn, peakMemory, residentMemory } from './memory.js';

describe('memory', () => {
  it.runIf(process.platform === 'linux')('is told of a living process only', () => {
    expect(peakMemory(process.pid)).toBeGreaterThan(10e6);
    expect(peakMemory(2 ** 30)).toBeNull();
    expect(residentMemory(process.pid)).toBeLessThanOrEqual(peakMemory(process.pid) ?? 0);
    expect(residentMemory(2 ** 30)).toBeNull();
    expect(oomKillsIn(oomKillFile())).toBeGreaterThanOrEqual(0);
    expect(oomKillsIn(null)).toBeNull();
    expect(oomKillsIn('/nonexistent')).toBeNull();
  });
});

describe('kills for want of memory', () => {
  it('explain as many ends as there were kills, and none long after', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ kills: fc.nat(3), ends: fc.nat(3) })), (rounds) => {
        const kills = new OomKills(100);
        let [count, now] = [100, 0];
        for (const round of rounds) {
          count += round.kills;
          kills.see(count, (now += 250));
          const claims = Array.from({ length: round.ends }, () => kills.claim());
          expect(claims.filter(Boolean)).toHaveLength(Math.min(round.kills, round.ends));
          kills.see(count, (now += 20_000));
          expect(kills.claim()).toBe(false);
        }
      }),
    );
  });

  it('are none where nobody counts', () => {
    const kills = new OomKills(null);
    kills.see(null, 1);
    kills.see(7, 2);
    expect(kills.claim()).toBe(false);
  });
});
