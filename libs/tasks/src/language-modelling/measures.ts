import type { Measures } from '../task.js';

/** Microbatches that an evaluation of a language model looks at: enough for a loss to two digits, whatever the size of the split. */
export const EVALUATION_MICROBATCHES = 64;

/** Loss and accuracy of the tokens that are predicted, from sums. */
export const tokenMeasures: Measures = {
  length: 3,
  measure(model, batch) {
    const { lossSum, count, correct } = model.evaluate(batch);
    return Float64Array.of(lossSum, count, correct);
  },
  metrics(parts) {
    const total = (at: number) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0);
    const count = total(1);
    return count === 0 ? null : { loss: total(0) / count, accuracy: total(2) / count };
  },
};
