import { readFileSync } from 'node:fs';
import type { Batch } from '@ringmaster/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entitiesIn } from './entities.js';
import { tagMeasures } from './measures.js';

// Sentences and what seqeval finds in them: see reference/entities.py.
interface Reference {
  readonly truth: readonly (readonly string[])[];
  readonly predicted: readonly (readonly string[])[];
  readonly entities: readonly (readonly [string, number, number][])[];
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
const references = JSON.parse(
  readFileSync(new URL('../../reference/entities.json', import.meta.url), 'utf8'),
) as Reference[];

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC', 'B-A-B', 'I-A-B'];
const measures = tagMeasures({ labels, sequences: 4, metric: null });

/** What sentences are measured by, when a model predicts these tags. */
function measured(
  truth: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
): Float64Array {
  const length = 8;
  const ids = Int32Array.from(truth.flat(), (tag) => labels.indexOf(tag));
  const guesses = predicted.flat().map((tag) => labels.indexOf(tag));
  const batch: Batch = {
    sequences: truth.length,
    length,
    tokens: new Int32Array(truth.length * length),
    lengths: Int32Array.from(truth, (tags) => tags.length),
    targets: {
      kind: 'tags',
      rows: Int32Array.from(truth.flatMap((tags, at) => tags.map((_, word) => at * length + word))),
      ids,
    },
  };
  const score = {
    lossSum: ids.length / 2,
    count: ids.length,
    correct: guesses.filter((guess, word) => guess === ids[word]).length,
    logits: Float32Array.from(guesses.flatMap((guess) => labels.map((_, id) => +(id === guess)))),
  };
  return measures.measure({ evaluate: () => score }, batch);
}

describe('the metrics of a tagger', () => {
  it('are those of seqeval', () => {
    expect(references).toHaveLength(60);
    for (const { truth, predicted, entities, ...expected } of references) {
      const found = truth.map((tags) =>
        entitiesIn(tags).map(({ type, start, end }) => [type, start, end]),
      );
      expect(found).toEqual(entities);
      const metrics = measures.metrics([measured(truth, predicted)]);
      expect(metrics?.loss).toBe(0.5);
      for (const [name, value] of Object.entries(expected))
        expect(metrics?.[name], name).toBeCloseTo(value, 12);
    }
  });

  it('are the same however sentences are dealt out in microbatches', () => {
    fc.assert(
      fc.property(fc.constantFrom(...references), fc.nat(4), ({ truth, predicted }, cut) => {
        const parts = [
          measured(truth.slice(0, cut), predicted.slice(0, cut)),
          measured(truth.slice(cut), predicted.slice(cut)),
        ];
        expect(measures.metrics(parts)).toEqual(measures.metrics([measured(truth, predicted)]));
      }),
    );
  });

  it('are none where nothing was tagged', () => {
    expect(measures.metrics([measured([], [])])).toBeNull();
  });

  it('take tags that are no entities word by word', () => {
    expect(entitiesIn(['NN', 'NN', 'O', 'VB'])).toEqual([
      { type: 'NN', start: 0, end: 1 },
      { type: 'NN', start: 1, end: 2 },
      { type: 'VB', start: 3, end: 4 },
    ]);
  });
});
