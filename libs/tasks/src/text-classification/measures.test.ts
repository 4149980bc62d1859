import type { Batch } from '@ringmaster/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classMeasures } from './measures.js';

const labels = ['a', 'b', 'c'];
const sequences = 4;

const example = fc.record({
  label: fc.nat(labels.length - 1),
  logits: fc.array(fc.integer({ min: -9, max: 9 }), {
    minLength: labels.length,
    maxLength: labels.length,
  }),
});
type Example = typeof example extends fc.Arbitrary<infer T> ? T : never;
const microbatches = fc.array(fc.array(example, { minLength: 1, maxLength: sequences }), {
  maxLength: 5,
});

/** The metrics of examples, microbatch by microbatch, when the loss of each is a half. */
function metricsOf(parts: readonly (readonly Example[])[], metric: string | null) {
  const measures = classMeasures({ labels, sequences, metric });
  const measured = parts.map((examples) => {
    const batch: Batch = {
      sequences: examples.length,
      length: 1,
      tokens: new Int32Array(examples.length),
      lengths: new Int32Array(examples.length).fill(1),
      targets: { kind: 'class', ids: Int32Array.from(examples, ({ label }) => label) },
    };
    const logits = Float32Array.from(examples.flatMap((each) => each.logits));
    const score = { lossSum: examples.length / 2, count: examples.length, correct: 0, logits };
    const numbers = measures.measure({ evaluate: () => score }, batch);
    expect(numbers).toHaveLength(measures.length);
    return numbers;
  });
  return measures.metrics(measured);
}

describe('the metrics of a classifier', () => {
  it('are the same with logits and without, but for those that need them', () => {
    fc.assert(
      fc.property(microbatches, (parts) => {
        const [few, all] = [metricsOf(parts, 'f1'), metricsOf(parts, null)];
        if (few === null || all === null) {
          expect([few, all, parts]).toEqual([null, null, []]);
          return;
        }
        const { loss, ...labelled } = few;
        expect(loss).toBe(0.5);
        expect(all).toMatchObject(labelled);
        expect(Object.keys(all)).toEqual([...Object.keys(few), 'rocAuc']);
        expect(metricsOf(parts, 'rocAuc')).toEqual(all);
      }),
    );
  });

  it('do not depend on how examples are dealt out in microbatches', () => {
    fc.assert(
      fc.property(microbatches, (parts) => {
        const single = parts.flat().map((each) => [each]);
        for (const metric of ['f1', null])
          expect(metricsOf(single, metric)).toEqual(metricsOf(parts, metric));
      }),
    );
  });
});
