import type { Batch } from '@ringmaster/model';
import type { Measures } from '../task.js';

/**
 * Loss and accuracy of the tokens of targets, and the share of targets of which each token is the likeliest one after those
 * before it: just those that greedy decoding makes of their sources.
 */
export const targetMeasures: Measures = {
  length: 5,
  measure(model, batch) {
    const { lossSum, count, correct, hits } = model.evaluate(batch);
    if (hits === undefined)
      throw new TypeError('the head of a sequence-to-sequence model predicts tokens');
    const { sequences } = batch;
    return Float64Array.of(lossSum, count, correct, sequences, wholeTargets(batch, hits));
  },
  metrics(parts) {
    const total = (at: number) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0);
    const count = total(1);
    if (count === 0) return null;
    return { loss: total(0) / count, accuracy: total(2) / count, exactMatch: total(4) / total(3) };
  },
};

/** How many targets have no token that is missed; their tokens lie one target after the other. */
function wholeTargets({ lengths }: Batch, hits: Uint8Array): number {
  let first = 0;
  let whole = 0;
  for (const length of lengths) {
    if (hits.subarray(first, first + length).every((hit) => hit === 1)) whole++;
    first += length;
  }
  return whole;
}
