import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HuggingFaceConfig, Model } from '@ringmaster/model';
import { referenceModel, type ReferenceClass } from '../reference.test.fixture.js';
import { classPredictions } from './predict.js';

/** What reference/classification.py makes. */
interface Reference extends ReferenceClass {
  readonly texts: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
}
const reference = JSON.parse(
  readFileSync(new URL('../../reference/classification.json', import.meta.url), 'utf8'),
) as Reference;
const END = 5;

const encode = (text: string) => text.split(' ').filter(Boolean).map(Number);
/** Texts are numbers of tokens. */
const tokenizer = {
  pad: null,
  unknown: null,
  classify: null,
  separate: null,
  mask: null,
  endOfText: END,
  special: [END],
  vocabulary: 40,
  beforeWord: '',
  surroundings: { before: [], after: [] },
  token: String,
  encode,
  encodeWritten: encode,
  encodeTarget: encode,
  decode: (ids: Iterable<number>) => [...ids].join(' '),
};

describe('a decoder that classifies texts, with one token that ends and pads', () => {
  let model: Model;
  let config: HuggingFaceConfig;
  beforeAll(async () => {
    ({ model, config } = await referenceModel(reference, 'sequence-classification'));
  });
  afterAll(() => {
    model.unload();
  });
  const logitsOf = (texts: readonly (readonly number[])[], after: readonly number[] = []) => {
    const served = {
      model,
      config,
      tokenizer: { ...tokenizer, surroundings: { before: [], after } },
      clean: (text: string) => text,
    };
    const queries = texts.map((text) => ({ text: text.join(' ') }));
    return classPredictions.predict(served, queries).map(({ logits }) => logits as number[]);
  };

  it.each([
    ['as they are', []],
    ['which its tokenizer ends with it', [END]],
  ])('has the logits of transformers for a batch of texts %s', (_, after) => {
    logitsOf(reference.texts, after).forEach((logits, text) => {
      logits.forEach((logit, label) => {
        expect(Math.abs(logit - reference.logits[text]![label]!)).toBeLessThan(1e-4);
      });
    });
  });

  it('classifies a text by itself as in a batch, and an empty one', () => {
    reference.texts.forEach((text, at) => {
      const [alone = []] = logitsOf([text]);
      alone.forEach((logit, label) => {
        expect(logit).toBeCloseTo(reference.logits[at]![label]!, 4);
      });
    });
    expect(logitsOf([[]])[0]).toEqual(logitsOf([[END]])[0]);
  });
});
