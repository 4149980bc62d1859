import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatConfig, parseConfig, UnsupportedConfig } from './hugging-face-config.js';

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
  'ElectraForPreTraining',
  'LlamaForCausalLM',
  'MistralForSequenceClassification',
  'Qwen2ForCausalLM',
  'Qwen3Model',
  'T5ForConditionalGeneration',
  'BartForConditionalGeneration',
  'MarianMTModel',
];

const LLAMA = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 50,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 4096,
};
const MISTRAL = { ...LLAMA, model_type: 'mistral', architectures: ['MistralForCausalLM'] };
const QWEN3 = { ...LLAMA, model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'] };

const T5 = {
  model_type: 't5',
  architectures: ['T5ForConditionalGeneration'],
  vocab_size: 50,
  d_model: 8,
  d_kv: 3,
  d_ff: 16,
  num_layers: 2,
  num_heads: 2,
  pad_token_id: 0,
  decoder_start_token_id: 0,
};

function refusal(config: unknown): string {
  try {
    parseConfig(config);
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedConfig);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

test('several tokens that end a text are read and written', () => {
  const config = parseConfig({ ...LLAMA, eos_token_id: [2, 7] });
  expect(config.tokens.end).toEqual([2, 7]);
  expect(formatConfig(config)).toMatchObject({ eos_token_id: [2, 7] });
});

test.each([
  ['bart', 'BartForSequenceClassification'],
  ['electra', 'ElectraForMultipleChoice'],
  ['gemma', 'GemmaForCausalLM'],
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

test.each([
  [{ hidden_act: 'gelu' }, 'hidden_act is "gelu"; supported: "silu"'],
  [{ mlp_bias: true }, 'mlp_bias is true'],
  [{ pretraining_tp: 2 }, 'pretraining_tp is 2'],
  [{ rope_scaling: { rope_type: 'yarn', factor: 2 } }, 'rope_scaling'],
  [{ rope_parameters: { rope_type: 'longrope', rope_theta: 1e4 } }, 'rope_parameters'],
  [{ rope_scaling: { type: 'linear' } }, 'rope_scaling.factor'],
])('of a LLaMA %j is refused by that name', (change, said) => {
  expect(refusal({ ...LLAMA, ...change })).toContain(said);
});

test('a sliding window is refused where it is shorter than the context, whoever names it', () => {
  const said = 'sliding_window is 4096: a sliding window that is shorter than the context';
  const long = { max_position_embeddings: 8192 };
  expect(refusal({ ...MISTRAL, ...long, sliding_window: 4096 })).toContain(said);
  // What transformers takes for it where it is missing.
  expect(refusal({ ...MISTRAL, ...long, num_attention_heads: 8 })).toContain('sliding_window');
  expect(refusal({ ...QWEN3, sliding_window: 128, use_sliding_window: true })).toContain(
    'sliding_window is 128',
  );
  const fits = parseConfig({ ...MISTRAL, num_attention_heads: 8 });
  expect(fits.model.context).toBe(4096);
  const none = parseConfig({ ...MISTRAL, ...long, num_attention_heads: 8, sliding_window: null });
  expect(none.model.context).toBe(8192);
  const unused = { ...QWEN3, sliding_window: 128, use_sliding_window: false };
  expect(parseConfig({ ...unused, num_key_value_heads: 2 }).model.context).toBe(4096);
});

test('rotary positions are read as transformers 4 and 5 write them, and written for both', () => {
  const scaling = {
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 2048,
  };
  const four = parseConfig({ ...LLAMA, rope_theta: 500_000, rope_scaling: scaling });
  const five = parseConfig({ ...LLAMA, rope_parameters: { ...scaling, rope_theta: 500_000 } });
  expect(four).toEqual(five);
  expect(four.model).toMatchObject({
    rotaryBase: 500_000,
    rotaryScaling: { type: 'llama3', factor: 8, originalContext: 2048 },
  });
  expect(formatConfig(four)).toMatchObject({
    rope_theta: 500_000,
    rope_scaling: scaling,
    rope_parameters: { ...scaling, rope_theta: 500_000 },
  });
  expect(parseConfig(formatConfig(four))).toEqual(four);
});

test('what a family takes for a key that is missing is taken here', () => {
  expect(parseConfig(LLAMA).model).toMatchObject({ keyValueHeads: 2, headSize: 4, tied: false });
  expect(parseConfig({ ...QWEN3, num_key_value_heads: 1 }).model).toMatchObject({
    keyValueHeads: 1,
    headSize: 128,
  });
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
  const key = fc.constantFrom(
    ...Object.keys(BERT),
    'id2label',
    'hidden_act',
    'rope_scaling',
    'sliding_window',
    '__proto__',
    'x',
  );
  const change = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), change), (value) => {
      const isChange = typeof value === 'object' && value !== null && !Array.isArray(value);
      const changed = isChange
        ? [
            { ...BERT, ...value },
            { ...LLAMA, ...value },
          ]
        : [];
      for (const config of [value, ...changed]) {
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

test.each([
  ['of T5 1.0', {}, { tied: true, feedForward: 'relu' }],
  [
    'of T5 1.1 as transformers 4 writes it',
    { feed_forward_proj: 'gated-gelu', tie_word_embeddings: false },
    { tied: false, feedForward: 'gated-gelu' },
  ],
  [
    'of T5 1.1 as transformers 5 writes it',
    { scale_decoder_outputs: false, tie_word_embeddings: true },
    { tied: false },
  ],
  ['with a decoder of its own depth', { num_decoder_layers: 4 }, { layers: 2, decoderLayers: 4 }],
  ['with an end of its positions', { n_positions: 64 }, { context: 64 }],
])('a T5 %s is read, and written for both', (_, keys, shape) => {
  const config = parseConfig({ ...T5, ...keys });
  expect(config).toMatchObject({ head: 'sequence-to-sequence', model: shape });
  const { tied } = config.model;
  const written = formatConfig(config);
  expect(written).toMatchObject({
    is_encoder_decoder: true,
    decoder_start_token_id: 0,
    tie_word_embeddings: tied,
    scale_decoder_outputs: tied,
  });
  expect(parseConfig(written)).toEqual(config);
});

test.each([
  [{ feed_forward_proj: 'gated-silu' }, 'feed_forward_proj is "gated-silu"; supported: "relu"'],
  [{ decoder_start_token_id: 3 }, 'decoder_start_token_id is 3: a decoder that begins with'],
  [{ is_encoder_decoder: false }, 'is_encoder_decoder is false'],
  [{ feed_forward_proj: 'gated-gelu', dense_act_fn: 'silu' }, 'dense_act_fn is "silu"'],
  [{ feed_forward_proj: 'relu', is_gated_act: true }, 'is_gated_act is true'],
])('a T5 with %j is refused by the key', (keys, reason) => {
  expect(refusal({ ...T5, ...keys })).toContain(reason);
});

/** What transformers takes where a `config.json` lacks everything (defaults.py). */
const defaults = Object.entries(
  JSON.parse(
    readFileSync(new URL('../../reference/defaults.json', import.meta.url), 'utf8'),
  ) as Record<string, object>,
);

test.each(defaults)('a %s that lacks everything is what transformers takes it for', (type, all) => {
  // Mistral's own window is shorter than its context.
  const some = { model_type: type, ...(type === 'mistral' ? { sliding_window: null } : {}) };
  expect(parseConfig(some)).toEqual(parseConfig({ ...all, ...some }));
});

test('a T5 that does not name its tokens pads and ends as transformers does', () => {
  const { pad_token_id: _, ...nameless } = T5;
  expect(parseConfig(nameless).tokens).toEqual({ padding: 0, begin: null, end: 1 });
  expect(parseConfig({ ...nameless, eos_token_id: null }).tokens.end).toBeNull();
});

const PAIRED = {
  vocab_size: 50,
  d_model: 8,
  encoder_layers: 1,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 16,
  decoder_layers: 2,
  decoder_attention_heads: 4,
  decoder_ffn_dim: 12,
  max_position_embeddings: 16,
  pad_token_id: 1,
  bos_token_id: 0,
  eos_token_id: 2,
};
const BART = {
  ...PAIRED,
  model_type: 'bart',
  architectures: ['BartForConditionalGeneration'],
  decoder_start_token_id: 2,
};
const MARIAN = {
  ...PAIRED,
  model_type: 'marian',
  architectures: ['MarianMTModel'],
  decoder_start_token_id: 1,
};

test.each([
  [{ ...BART, decoder_start_token_id: 0 }, 'decoder_start_token_id is 0'],
  [{ ...MARIAN, decoder_start_token_id: 2 }, 'decoder_start_token_id is 2'],
  [{ ...MARIAN, decoder_vocab_size: 49 }, 'decoder_vocab_size is 49'],
  [{ ...MARIAN, share_encoder_decoder_embeddings: false }, 'share_encoder_decoder_embeddings'],
  [{ ...BART, encoder_layerdrop: 0.1 }, 'encoder_layerdrop is 0.1'],
  [{ ...BART, activation_function: 'tanh' }, 'activation_function is "tanh"'],
  [{ ...BART, bad_words_ids: [[3, 4]] }, 'bad_words_ids'],
  [{ ...BART, forced_bos_token_id: 50 }, 'the token 50 is forced'],
  [{ ...MARIAN, forced_eos_token_id: [50] }, 'the token 50 is forced'],
])('of an encoder–decoder %j is refused by the key', (config, said) => {
  expect(refusal(config)).toContain(said);
});

test('tokens that generation forces or leaves out are read and written', () => {
  const keys = { forced_bos_token_id: 0, forced_eos_token_id: 2, bad_words_ids: [[1], [7]] };
  const config = parseConfig({ ...MARIAN, ...keys });
  expect(config.constraints).toEqual({ suppressed: [1, 7], first: 0, last: 2 });
  expect(formatConfig(config)).toMatchObject(keys);
  // Where nothing is said, transformers forces a token of its own.
  const none = parseConfig({ ...BART, forced_eos_token_id: null });
  expect(none.constraints).toBeUndefined();
  expect(formatConfig(none)).toMatchObject({ forced_eos_token_id: null });
});

test.each([
  ['attention_probs_dropout_prob', 'hidden_dropout_prob', BERT],
  ['attention_dropout', 'dropout', BART],
])('%s is another rate than %s where it differs', (attention, other, config) => {
  const model = (rates: object) => parseConfig({ ...config, ...rates });
  const read = model({ [attention]: 0.3, [other]: 0.2 });
  expect(read.model).toMatchObject({ attentionDropout: 0.3, dropout: 0.2 });
  expect(formatConfig(read)).toMatchObject({ [attention]: 0.3, [other]: 0.2 });
});
