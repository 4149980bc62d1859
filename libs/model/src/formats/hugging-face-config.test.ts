import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseConfig, UnsupportedConfig } from './hugging-face-config.js';

const BERT = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  vocab_size: 50,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  intermediate_size: 16,
  max_position_embeddings: 16,
};
/** Some of the classes that are read: of each family one at least. */
const SUPPORTED = [
  'BertForMaskedLM',
  'BertForTokenClassification',
  'GPT2LMHeadModel',
  'RobertaForSequenceClassification',
  'DistilBertModel',
];

function refusal(config: unknown): string {
  try {
    parseConfig(config);
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedConfig);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

test.each([
  ['t5', 'T5ForConditionalGeneration'],
  ['electra', 'ElectraForMaskedLM'],
  ['llama', 'LlamaForCausalLM'],
  ['mobilebert', 'MobileBertForSequenceClassification'],
  ['bert', 'BertForQuestionAnswering'],
  ['bert', 'GPT2LMHeadModel'],
  ['constructor', '__proto__'],
])('%s, %s is refused by name, with what is supported', (type, name) => {
  const message = refusal({ ...BERT, model_type: type, architectures: [name] });
  expect(message).toContain(`${name} of model_type ${type} is not supported`);
  const [, listed = ''] = message.split('supported are ');
  expect(listed.split(', ')).toEqual(expect.arrayContaining(SUPPORTED));
});

test.each([
  [{ hidden_act: 'relu' }, 'hidden_act is "relu"; supported: "gelu"'],
  [{ problem_type: 'regression' }, 'problem_type is "regression"; supported: "single_label'],
  [{ layer_norm_eps: 1e-5 }, 'layer_norm_eps is 0.00001; supported: 1e-12'],
  [{ num_hidden_layers: 1e9 }, 'num_hidden_layers is 1000000000'],
  [{ hidden_size: 1.5 }, 'hidden_size is 1.5'],
  [{ hidden_size: undefined }, 'hidden_size'],
  [{ quantization_config: { bits: 4 } }, 'quantization_config'],
  [{ pruned_heads: { 0: [1] } }, 'pruned_heads'],
  [{ id2label: { 0: 'score' } }, 'regression'],
  [{ id2label: { 0: 'a', 2: 'b' } }, 'no label 1'],
])('%j is refused by that name', (change, said) => {
  expect(refusal({ ...BERT, ...change })).toContain(said);
});

test('how a classifier is scored is read', () => {
  const id2label = { 1: 'b', 0: 'a', 2: 'c' };
  expect(parseConfig({ ...BERT, id2label })).toMatchObject({
    labels: ['a', 'b', 'c'],
    scoring: 'softmax',
  });
  const many = { ...BERT, id2label, problem_type: 'multi_label_classification' };
  expect(parseConfig(many).scoring).toBe('sigmoid');
  expect(parseConfig({ ...many, architectures: ['BertModel'] }).scoring).toBeNull();
});

test('whatever it is, it is understood or refused', () => {
  const key = fc.constantFrom(...Object.keys(BERT), 'id2label', 'hidden_act', '__proto__', 'x');
  const change = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), change), (value) => {
      const isChange = typeof value === 'object' && value !== null && !Array.isArray(value);
      for (const config of [value, ...(isChange ? [{ ...BERT, ...value }] : [])]) {
        try {
          expect(parseConfig(config).model.hidden).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UnsupportedConfig);
        }
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});
