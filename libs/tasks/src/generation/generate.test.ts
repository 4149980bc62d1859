import { readFileSync } from 'node:fs';
import { randomKey, RandomStream } from '@ringmaster/base';
import type { Model } from '@ringmaster/model';
import { Runtime } from '@ringmaster/tensorflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noise, referenceModel, type ReferenceClass } from '../reference.test.fixture.js';
import { generate, type GenerationOptions } from './generate.js';
import { nextToken, weightsOf } from './sampling.js';

// What is generated beside `transformers`: reference/generation.py, whose formulas are repeated here.
interface Reference {
  readonly classes: Readonly<
    Record<
      string,
      ReferenceClass & {
        readonly generated: Readonly<Record<string, readonly (readonly number[])[]>>;
      }
    >
  >;
  readonly probabilities: Readonly<Record<string, readonly number[]>>;
}
const reference = JSON.parse(
  readFileSync(new URL('../../reference/generation.json', import.meta.url), 'utf8'),
) as Reference;

const PROMPTS = [
  [3, 14, 15],
  [9, 2, 6, 5, 35],
];
const GREEDY: GenerationOptions = {
  maxTokens: 64,
  temperature: 0,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: 1,
  beams: 1,
  stop: [],
  seed: 0,
};
const END = 5;
const CONSTRAINTS = { suppressed: [9, 12], first: 7, last: 8 };
const CASES: Readonly<Record<string, [Partial<GenerationOptions>, readonly number[]]>> = {
  greedy: [{}, []],
  'greedy with a penalty': [{ repetitionPenalty: 1.3 }, []],
  'three beams': [{ maxTokens: 24, beams: 3 }, []],
  'four beams, which may end': [{ maxTokens: 32, beams: 4 }, [END]],
  'greedy with constraints': [{ constraints: CONSTRAINTS }, []],
  'three beams with constraints': [{ maxTokens: 24, beams: 3, constraints: CONSTRAINTS }, []],
};
/** Token 0 is "a", 1 is "b", and so on. */
const tokenizer = {
  decode: (ids: Iterable<number>) => [...ids].map((id) => String.fromCodePoint(97 + id)).join(''),
};

const runtime = Runtime.open();
describe.each(Object.keys(reference.classes))('%s', (className) => {
  const isPaired = /^(T5|Bart|Marian)/.test(className);
  const head = isPaired ? 'sequence-to-sequence' : 'causal-language-model';
  let model: Model;
  let start: number;
  beforeAll(async () => {
    const { config, ...rest } = reference.classes[className]!;
    ({ model } = await referenceModel({ config, ...rest }, head));
    start = 'decoder_start_token_id' in config ? Number(config.decoder_start_token_id) : 0;
  });
  afterAll(() => {
    model.unload();
  });
  const run = (
    options: Partial<GenerationOptions>,
    ends: readonly number[] = [],
    prompts: readonly (readonly number[])[] = PROMPTS,
  ) =>
    generate(
      model,
      tokenizer,
      prompts.map(isPaired ? (source) => ({ tokens: [start], source }) : (tokens) => ({ tokens })),
      ends,
      { ...GREEDY, ...options },
    );

  it.each(Object.entries(CASES))('%s: the tokens of transformers', (name, [options, ends]) => {
    const expected = reference.classes[className]!.generated[name]!;
    // transformers forces the first token only where the decoder has begun with one: in encoder–decoders.
    const { constraints } = options;
    const forced =
      isPaired || constraints === undefined ? {} : { constraints: { ...constraints, first: null } };
    const found = run({ ...options, ...forced }, ends);
    found.forEach(({ tokens, finish }, at) => {
      const theirs = expected[at]!;
      const ours = finish === 'end' ? [...tokens, END] : tokens;
      expect(ours).toEqual(theirs.slice(0, ours.length));
      expect(finish).toBe(theirs.length < (options.maxTokens ?? 64) ? 'end' : finish);
    });
  });

  it('draws by the seed and the place in the batch, whatever is beside it, and leaks no tensor', () => {
    const sampled = { temperature: 1.3, maxTokens: 20 };
    const [first, second] = run({ ...sampled, seed: 5 });
    const before = runtime.live;
    expect(run({ ...sampled, seed: 5 })).toEqual([first, second]);
    expect(runtime.live).toBe(before);
    expect(run({ ...sampled, seed: 5 }, [], [PROMPTS[0]!])).toEqual([first]);
    expect(run({ ...sampled, seed: 6 })[0]).not.toEqual(first);
    expect(run({ ...sampled, seed: 5, topK: 1 })).toEqual(run({ maxTokens: 20 }));
  });

  it('ends at the token that ends texts, at a stop string, and where there is no room', () => {
    const [whole] = run({});
    const end = whole!.tokens[10]!;
    const at = whole!.tokens.indexOf(end);
    const [ended, other] = run({}, [1000, end]);
    expect(ended).toEqual({
      tokens: whole!.tokens.slice(0, at),
      text: whole!.text.slice(0, at),
      finish: 'end',
    });
    expect(other!.finish === 'end' || other!.tokens.length === 64).toBe(true);
    const stop = whole!.text.slice(4, 6);
    const [stopped] = run({ stop: ['nowhere', stop] });
    expect(stopped!.finish).toBe('stop');
    expect(stopped!.text).toBe(whole!.text.slice(0, whole!.text.indexOf(stop)));
    const [full] = run({ maxTokens: 1000 });
    expect(full).toMatchObject({ finish: 'length' });
    // A decoder begins with one token.
    expect(full!.tokens).toHaveLength(96 - (isPaired ? 1 : PROMPTS[0]!.length));
  });
});

describe('samplers', () => {
  const logits = noise('logits', 40).map((value) => 4 * value);
  const ALL = { temperature: 1, topK: null, topP: null, minP: null };
  it.each([
    ['temperature', { temperature: 0.7 }],
    ['topK', { temperature: 0.7, topK: 5 }],
    ['topP', { temperature: 1.5, topP: 0.8 }],
    ['minP', { temperature: 1.5, minP: 0.2 }],
    ['all', { temperature: 2, topK: 20, topP: 0.9, minP: 0.1 }],
  ])('%s leaves the probabilities of transformers', (name, options) => {
    const weights = weightsOf(logits, { ...ALL, ...options });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const expected = reference.probabilities[name]!;
    weights.forEach((weight, id) => {
      expect(weight / total).toBeCloseTo(expected[id]!, 5);
    });
  });

  it('draw tokens as often as they are likely', () => {
    const how = { ...ALL, temperature: 1.5, topK: 6, repetitionPenalty: 1 };
    const weights = weightsOf(logits, how);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const random = new RandomStream(randomKey(1, 'draws'));
    const draws = 4000;
    const counts = new Float64Array(40);
    for (let at = 0; at < draws; at++) counts[nextToken(logits, [], how, random, at)]!++;
    // Five standard deviations of a count.
    counts.forEach((count, id) => {
      const share = weights[id]! / total;
      const deviation = Math.sqrt((share * (1 - share)) / draws);
      expect(Math.abs(count / draws - share)).toBeLessThanOrEqual(5 * deviation);
    });
  });
});
