import { targetsOf } from '@ringmaster/model/batch';
import { argmax } from '../prediction/scores.js';
import type { Measures, MeasuresRequest } from '../task.js';
import { countEntities } from './entities.js';

/**
 * Measures of a tagger: the summed loss; words, and those that were tagged right; entities in truth, predicted, and right.
 * Precision, recall and F1 are those of entities, as seqeval's micro average has them.
 */
export function tagMeasures({ labels }: MeasuresRequest): Measures {
  return {
    length: 6,
    measure(model, batch) {
      const { rows, ids } = targetsOf(batch, 'tags');
      const { lossSum, count, correct, logits } = model.evaluate(batch);
      if (logits === undefined) throw new TypeError('the head of a tagger gives its logits');
      const entities = { true: 0, predicted: 0, correct: 0 };
      for (const { first, end } of sentences(rows, batch.length)) {
        const name = (id: number | undefined) => labels[id ?? 0] ?? '';
        const truth = Array.from(ids.subarray(first, end), name);
        const predicted = truth.map((_, word) =>
          name(argmax(logits, (first + word) * labels.length, labels.length)),
        );
        const found = countEntities(truth, predicted);
        entities.true += found.true;
        entities.predicted += found.predicted;
        entities.correct += found.correct;
      }
      return Float64Array.of(
        lossSum,
        count,
        correct,
        entities.true,
        entities.predicted,
        entities.correct,
      );
    },
    metrics(parts) {
      const [lossSum = 0, words = 0, right = 0, wanted = 0, found = 0, correct = 0] = total(parts);
      if (words === 0) return null;
      const [precision, recall] = [ratio(correct, found), ratio(correct, wanted)];
      return {
        loss: lossSum / words,
        accuracy: right / words,
        precision,
        recall,
        f1: ratio(2 * precision * recall, precision + recall),
      };
    },
  };
}

/** The stretches of rows that lie in one sequence each. */
function* sentences(rows: Int32Array, length: number) {
  for (let first = 0; first < rows.length;) {
    const sequence = Math.floor((rows[first] ?? 0) / length);
    let end = first;
    while (end < rows.length && Math.floor((rows[end] ?? 0) / length) === sequence) end++;
    yield { first, end };
    first = end;
  }
}

/** Sums at each place, in the order of the parts. */
function total(parts: readonly Float64Array[]): number[] {
  const sums = [0, 0, 0, 0, 0, 0];
  for (const part of parts)
    for (const [at, number] of part.entries()) sums[at] = (sums[at] ?? 0) + number;
  return sums;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
