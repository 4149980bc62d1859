import { isFinal } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actions, ClusterModel, type Action } from './cluster.test.fixture.js';

const WEIGHTS: Partial<Record<Action, number>> = {
  ...{ down: 12, up: 12, load: 6, sum: 8, apply: 8, transfer: 6, place: 2, tick: 3 },
};
const trouble: readonly Action[] = ['kill', 'lose', 'fail', 'wait', 'restart'];
const wishes: readonly Action[] = ['pause', 'resume', 'release', 'yield'];

const scheduleOf = (allowed: readonly Action[], maxLength: number) =>
  fc.array(
    fc.tuple(
      fc.oneof(
        ...allowed.map((action) => ({
          arbitrary: fc.constant(action),
          weight: WEIGHTS[action] ?? 1,
        })),
      ),
      fc.nat(1000),
    ),
    { minLength: 20, maxLength, size: 'max' },
  );
const limits = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }));

function play(
  [min, extra]: readonly [number, number],
  schedule: readonly (readonly [Action, number])[],
): ClusterModel {
  const cluster = new ClusterModel(min, min + extra);
  for (const [action, pick] of schedule) cluster.do(action, pick);
  return cluster;
}

describe('a run among trainers that die, are lost, come and go, and a coordinator that is restarted', () => {
  it('keeps every promise, and ends once nothing goes wrong any more', () => {
    fc.assert(
      fc.property(limits, scheduleOf(actions, 300), (size, schedule) => {
        const cluster = play(size, schedule);
        for (let round = 0; round < 200 && !isFinal(cluster.run.state); round++)
          cluster.cooperate();
        expect(isFinal(cluster.run.state)).toBe(true);
        if (cluster.run.state === 'failed') expect(cluster.run.error?.code).toBe('JOB_CRASH_LOOP');
      }),
      { numRuns: 400 },
    );
  });

  it('aborts nothing and tells of nothing as long as nothing fails', () => {
    const peaceful = actions.filter(
      (action) => !trouble.includes(action) && !wishes.includes(action),
    );
    fc.assert(
      fc.property(
        limits,
        scheduleOf([...peaceful, 'release', 'restart'], 300),
        (size, schedule) => {
          const cluster = play(size, schedule);
          const prepares = cluster.sent.flatMap((command) =>
            command.type === 'prepare' && !command.planned ? [command.generation] : [],
          );
          expect(new Set(prepares).size).toBeLessThanOrEqual(1);
          expect(cluster.incidents).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives back every slot when it is paused or yields, and goes on later', () => {
    fc.assert(
      fc.property(
        limits,
        scheduleOf(actions, 150),
        fc.constantFrom('pause' as const, 'cancel' as const),
        (size, schedule, wish) => {
          const cluster = play(size, schedule);
          cluster.feed({ type: wish === 'pause' ? 'paused' : 'cancelled' });
          for (let round = 0; round < 100 && cluster.run.trainers.length > 0; round++) {
            for (const action of ['down', 'up', 'sum', 'apply', 'transfer', 'fail'] as const)
              for (let pick = 0; pick < 8; pick++) cluster.do(action, pick);
            cluster.do('wait', 0);
          }
          expect(cluster.run.trainers).toEqual([]);
          expect(cluster.run.state === 'paused' || isFinal(cluster.run.state)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});
