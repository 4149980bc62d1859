import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CountedSteps } from './counted-steps.js';

it('every step of a generation is counted once, whoever tells of it, dies before it could, or is late', () => {
  const scene = fc
    .record({
      // Of each generation: its first step, and how many its ranks have told of.
      generations: fc.array(
        fc.record({
          first: fc.integer({ min: 1, max: 9 }),
          told: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      pieces: fc.integer({ min: 1, max: 4 }),
      order: fc.infiniteStream(fc.nat()),
    })
    .map(({ generations, pieces, order }) => {
      const queues = generations.flatMap(({ first, told }, generation) =>
        told.map((count) => {
          const steps = Array.from({ length: count }, (_, at) => ({ step: first + at }));
          const reports = Array.from({ length: Math.ceil(count / pieces) }, (_, at) =>
            steps.slice(at * pieces, (at + 1) * pieces),
          );
          return { generation: generation + 1, reports };
        }),
      );
      const total = generations.reduce((sum, { told }) => sum + Math.max(...told), 0);
      return { queues, total, order };
    });
  fc.assert(
    fc.property(scene, ({ queues, total, order }) => {
      const counted = new CountedSteps();
      let count = 0;
      for (const draw of order) {
        const left = queues.filter(({ reports }) => reports.length > 0);
        const next = left[draw % Math.max(1, left.length)];
        if (next === undefined) break;
        count += counted.uncounted(next.generation, next.reports.shift() ?? []).length;
      }
      expect(count).toBe(total);
    }),
  );
});
