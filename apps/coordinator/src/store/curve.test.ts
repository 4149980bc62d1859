import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepPoint } from '@ringmaster/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Store } from './store.js';

let directory: string;
let store: Store;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringmaster-curve-'));
  store = new Store(join(directory, 'store.sqlite'));
});
afterAll(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

const point = (step: number, loss: number | null, gradientNorm: number): StepPoint => ({
  step,
  loss,
  gradientNorm,
  learningRate: 0.1,
  tokensPerSecond: 5,
  ledger: null,
});
let jobs = 0;

/** Writes points in batches, and returns the job that has them. */
function write(batches: readonly (readonly StepPoint[])[]): string {
  const job = `j-${jobs++}`;
  store.transaction(() => {
    for (const batch of batches) store.history.addSteps(job, batch);
  });
  return job;
}

const thinned = (job: string, from: number, points: number) =>
  store.history.steps(job).thinned(from, points, () => Promise.resolve());

describe('a curve that is thinned', () => {
  const value = fc.integer({ min: -9, max: 9 });
  const points = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.option(value), value), {
      minLength: 1,
      maxLength: 200,
      size: 'max',
    })
    .map((all) => all.map(([step, loss, norm]) => point(step, loss, norm)));

  it('is the same in whatever order its points came, written again or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        points,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 10, max: 300 }),
        async (all, size, from, most) => {
          const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
            all.slice(at * size, at * size + size),
          );
          const last = new Map(all.map((each) => [each.step, each]));
          const ordered = [...last.values()].sort((a, b) => a.step - b.step);
          const found = await thinned(write(batches), from, most);
          expect(found).toEqual(await thinned(write([ordered]), from, most));

          expect(found.length).toBeLessThanOrEqual(most);
          const wanted = ordered.filter(({ step }) => step >= from);
          if (wanted.length === 0) {
            expect(found).toEqual([]);
            return;
          }
          const shown = found.map((step) => last.get(step));
          expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
          expect([shown[0], shown.at(-1)]).toEqual([wanted[0], wanted.at(-1)]);
          const extremes = (list: readonly (StepPoint | undefined)[]) => {
            const losses = list.flatMap((each) => each?.loss ?? []);
            const norms = list.map((each) => each?.gradientNorm ?? NaN);
            return [losses, norms].map((each) => [Math.min(...each), Math.max(...each)]);
          };
          expect(extremes(shown)).toEqual(extremes(wanted));
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it('is not read as a whole where it is long: pauses are few, and none of them far apart', async () => {
    const job = write([Array.from({ length: 200_000 }, (_, at) => point(at + 1, at % 97, 1))]);
    let pauses = 0;
    const steps = await store.history.steps(job).thinned(0, 1000, () => {
      pauses++;
      return Promise.resolve();
    });
    expect(steps.length).toBeGreaterThan(400);
    expect(pauses).toBeLessThan(10);
  });

  it('is cut by its points, however far apart they are', async () => {
    const reports = Array.from({ length: 5000 }, (_, at) => ({
      step: (at + 1) * 1000,
      loss: at % 97,
      metrics: {},
    }));
    store.transaction(() => store.history.addEvaluations('j-sparse', reports));
    let pauses = 0;
    const steps = await store.history.evaluations('j-sparse').thinned(0, 1000, () => {
      pauses++;
      return Promise.resolve();
    });
    expect([steps[0], steps.at(-1)]).toEqual([1000, 5_000_000]);
    expect(pauses).toBe(5);
  });
});
