import { faultOf, parseJobSpec } from '@ringmaster/protocol';
import { expect, it } from 'vitest';
import { lossTermsOf } from './loss.js';

const labels = ['ham', 'spam'];
const counts = { class: { ham: 30, spam: 10 } };
const split = { documents: 40, tokens: 40, characters: 40, shards: [], counts, ids: '0' };
const splits = { train: split, validation: split, test: split };

const terms = (loss: object | undefined, of: readonly string[] = labels) => {
  const spec = parseJobSpec({
    kind: 'finetune',
    name: 'weighted',
    base: 'm',
    task: 'text-classification',
    data: { files: 'rows.csv', test: 0.2 },
    optimizer: { learningRate: 1e-3 },
    epochs: 1,
    loss,
  });
  return lossTermsOf(spec, { splits }, of);
};

it('has nothing beside the cross-entropy unless a job says so', () => {
  expect(terms(undefined)).toBeNull();
  expect(terms({ labelSmoothing: 0.1 })).toEqual({
    labelSmoothing: 0.1,
    zLoss: 0,
    classWeights: null,
  });
});

it('weights classes as they are named, or by how often they occur', () => {
  expect(terms({ classWeights: { spam: 3 } })?.classWeights).toEqual([1, 3]);
  expect(terms({ classWeights: 'balanced' })?.classWeights).toEqual([40 / 60, 2]);
  expect(() => terms({ classWeights: { scam: 3 } })).toThrow('scam');
  // Names of what every object has.
  const others = ['constructor', 'spam', 'toString'];
  expect(terms({ classWeights: { spam: 3 } }, others)?.classWeights).toEqual([1, 3, 1]);
  expect(terms({ classWeights: 'balanced' }, others)?.classWeights).toEqual([1, 1 / 3, 1]);
});

it('fails the job, and not worker after worker, where it weighs a class that the data have not', () => {
  expect(() => terms({ classWeights: { scam: 3 } })).toThrow(
    expect.objectContaining({ code: 'CLASS_WEIGHTS_UNMATCHED' }),
  );
  expect(faultOf('CLASS_WEIGHTS_UNMATCHED')).toBe('job');
});
