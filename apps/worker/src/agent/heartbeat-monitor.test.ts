import fc from 'fast-check';
import { detection } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { HeartbeatMonitor } from './heartbeat-monitor.js';

const LIMIT_MS = 3000;
const { watchMs, beatMs, firstBeatMs } = detection;

describe('a heartbeat monitor', () => {
  it('finds who is silent within the limit and two looks, and tells it once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        (beats, others) => {
          const monitor = new HeartbeatMonitor(0);
          monitor.begin('silent');
          monitor.heard('silent');
          for (let other = 0; other < others; other++) monitor.begin(`other ${other}`);
          const found: { at: number; trainer: string }[] = [];
          const last = beats * beatMs;
          for (let now = watchMs; now <= last + 3 * LIMIT_MS; now += watchMs) {
            if (now <= last) monitor.heard('silent');
            for (let other = 0; other < others; other++) monitor.heard(`other ${other}`);
            for (const { trainer } of monitor.look(now, LIMIT_MS)) found.push({ at: now, trainer });
          }
          expect(found.map(({ trainer }) => trainer)).toEqual(['silent']);
          expect(found[0]?.at).toBeGreaterThan(last + LIMIT_MS - watchMs);
          expect(found[0]?.at).toBeLessThanOrEqual(last + LIMIT_MS + 2 * watchMs);
        },
      ),
    );
  });

  it('never blames anyone for a pause of its own, who beats whenever it looks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 50 }), (pauses) => {
        const monitor = new HeartbeatMonitor(0);
        monitor.begin('a');
        monitor.heard('a');
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          expect(monitor.look(now, LIMIT_MS)).toEqual([]);
          monitor.heard('a'); // What came meanwhile is read after the look.
        }
      }),
    );
  });

  it('gives a process time to start', () => {
    const monitor = new HeartbeatMonitor(0);
    monitor.begin('slow');
    for (let now = 0; now < firstBeatMs; now += watchMs)
      expect(monitor.look(now, LIMIT_MS)).toEqual([]);
  });

  it('does not wait for who has ended', () => {
    const monitor = new HeartbeatMonitor(0);
    monitor.begin('a');
    monitor.heard('a');
    monitor.end('a');
    monitor.heard('a');
    for (let now = 0; now < 100_000; now += watchMs)
      expect(monitor.look(now, LIMIT_MS)).toEqual([]);
  });
});
