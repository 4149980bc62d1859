import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classificationMetrics } from './metrics.js';

describe('classificationMetrics', () => {
  it('counts a worked example', () => {
    // Scores of label 1: 2, 1, -1, 3, -2; true labels 1, 0, 1, 1, 0.
    const logits = new Float32Array([0, 2, 0, 1, 0, -1, 0, 3, 0, -2]);
    const metrics = classificationMetrics(logits, [1, 0, 1, 1, 0], 2);
    expect(metrics.accuracy).toBeCloseTo(3 / 5);
    expect(metrics.precision).toBeCloseTo(2 / 3);
    expect(metrics.recall).toBeCloseTo(2 / 3);
    expect(metrics.f1).toBeCloseTo(2 / 3);
    // Pairs (positive, negative): 2>1, 2>-2, -1<1, -1>-2, 3>1, 3>-2.
    expect(metrics.rocAuc).toBeCloseTo(5 / 6);
  });

  it('gives the area under the curve of every pair, ties counting half', () => {
    const rows = fc.array(
      fc.record({ score: fc.integer({ min: -3, max: 3 }), label: fc.integer({ min: 0, max: 1 }) }),
    );
    fc.assert(
      fc.property(rows, (examples) => {
        const logits = new Float32Array(examples.flatMap(({ score }) => [0, score]));
        const pairs = examples
          .filter(({ label }) => label === 1)
          .flatMap((positive) =>
            examples
              .filter(({ label }) => label === 0)
              .map((negative) => (Math.sign(positive.score - negative.score) + 1) / 2),
          );
        const expected =
          pairs.length === 0 ? 0 : pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
        const labels = examples.map(({ label }) => label);
        expect(classificationMetrics(logits, labels, 2).rocAuc).toBeCloseTo(expected, 10);
      }),
    );
  });

  it('is perfect for perfect predictions of many labels', () => {
    const labels = [0, 1, 2, 1, 0];
    const logits = new Float32Array(
      labels.flatMap((label) => [0, 1, 2].map((id) => (id === label ? 5 : 0))),
    );
    expect(classificationMetrics(logits, labels, 3)).toEqual({
      accuracy: 1,
      precision: 1,
      recall: 1,
      f1: 1,
      rocAuc: 1,
    });
  });
});
