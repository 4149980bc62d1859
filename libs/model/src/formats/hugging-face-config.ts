import assert from 'node:assert/strict';

import { z } from 'zod';

import type { HeadKind, ModelConfig } from '../architectures/config.js';

/** What a model directory's `config.json` says, in our words. */
export interface HuggingFaceConfig {
  readonly model: ModelConfig;
  /** Null for a checkpoint without a head, or with one that we do not know. */
  readonly head: HeadKind | null;
  /** Names of the labels in the order of their ids; null without a classification head. */
  readonly labels: readonly string[] | null;
  /** Ids of special tokens, where the tokenizer has them. */
  readonly tokens: {
    readonly padding: number | null;
    readonly begin: number | null;
    readonly end: number | null;
  };
}

// ε is the architecture's and not a setting of ours.
const BERT_EPSILON = 1e-12;
const GPT_EPSILON = 1e-5;

const CLASSES: Readonly<Record<HeadKind, string>> = {
  'masked-language-model': 'BertForMaskedLM',
  'causal-language-model': 'GPT2LMHeadModel',
  'sequence-classification': 'BertForSequenceClassification',
};

const HEADLESS = { bert: 'BertModel', gpt: 'GPT2Model' } as const;

const positive = z.int().positive();
const probability = z.number().min(0).lt(1).default(0.1);
const token = z.int().min(0).nullable().default(null);
const no = z.literal(false).optional();

const common = {
  architectures: z.array(z.string()).nullish(),
  vocab_size: positive,
  id2label: z.record(z.string(), z.string()).optional(),
  tie_word_embeddings: z.literal(true).optional(),
  add_cross_attention: no,
  pad_token_id: token,
  bos_token_id: token,
  eos_token_id: token,
};

const bertSchema = z.looseObject({
  ...common,
  model_type: z.literal('bert'),
  hidden_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  intermediate_size: positive,
  max_position_embeddings: positive,
  type_vocab_size: positive.default(2),
  hidden_act: z.literal('gelu').default('gelu'),
  hidden_dropout_prob: probability,
  layer_norm_eps: z.literal(BERT_EPSILON).default(BERT_EPSILON),
  position_embedding_type: z.literal('absolute').optional(),
  is_decoder: no,
});

const gptSchema = z.looseObject({
  ...common,
  model_type: z.literal('gpt2'),
  n_embd: positive,
  n_layer: positive,
  n_head: positive,
  n_inner: positive.nullable().default(null),
  n_positions: positive,
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
  resid_pdrop: probability,
  layer_norm_epsilon: z.literal(GPT_EPSILON).default(GPT_EPSILON),
  scale_attn_weights: z.literal(true).optional(),
  scale_attn_by_inverse_layer_idx: no,
});

const configSchema = z.discriminatedUnion('model_type', [bertSchema, gptSchema]);

type Bert = z.output<typeof bertSchema>;
type Gpt = z.output<typeof gptSchema>;

/** @throws ZodError that names the key that we do not support */
export function parseConfig(json: unknown): HuggingFaceConfig {
  const config = configSchema.parse(json);
  const className = config.architectures?.[0];
  const heads = Object.keys(CLASSES) as HeadKind[];
  const head = heads.find((kind) => CLASSES[kind] === className) ?? null;
  const labels = head === 'sequence-classification' ? labelsOf(config.id2label ?? {}) : null;
  return {
    model: {
      ...(config.model_type === 'bert' ? bertModel(config) : gptModel(config)),
      vocabulary: config.vocab_size,
      positions: 'learned',
      ...(labels === null ? {} : { labels: labels.length }),
    },
    head,
    labels,
    tokens: {
      padding: config.pad_token_id,
      begin: config.bos_token_id,
      end: config.eos_token_id,
    },
  };
}

type Sizes = Omit<ModelConfig, 'vocabulary' | 'positions' | 'labels'>;

function bertModel(config: Bert): Sizes {
  return {
    architecture: 'bert',
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    heads: config.num_attention_heads,
    context: config.max_position_embeddings,
    intermediate: config.intermediate_size,
    dropout: config.hidden_dropout_prob,
    types: config.type_vocab_size,
  };
}

function gptModel(config: Gpt): Sizes {
  return {
    architecture: 'gpt',
    layers: config.n_layer,
    hidden: config.n_embd,
    heads: config.n_head,
    context: config.n_positions,
    intermediate: config.n_inner ?? 4 * config.n_embd,
    dropout: config.resid_pdrop,
    types: 0,
  };
}

function labelsOf(id2label: Readonly<Record<string, string>>): readonly string[] {
  // Two labels without names are the default of the format, which then leaves them out.
  if (Object.keys(id2label).length === 0) return ['LABEL_0', 'LABEL_1'];
  return Object.entries(id2label)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
}

/** The `config.json` of a model, which Python `transformers` reads. */
export function formatConfig({ model, head, labels, tokens }: HuggingFaceConfig): object {
  const { architecture, positions, types, vocabulary } = model;
  assert(positions === 'learned' && types > 0 === (architecture === 'bert'), 'no such class');
  return {
    architectures: [head === null ? HEADLESS[architecture] : CLASSES[head]],
    ...(architecture === 'bert' ? bertConfig(model) : gptConfig(model)),
    vocab_size: vocabulary,
    initializer_range: 0.02,
    tie_word_embeddings: true,
    pad_token_id: tokens.padding,
    bos_token_id: tokens.begin,
    eos_token_id: tokens.end,
    ...(labels === null ? {} : labelConfig(labels)),
    dtype: 'float32',
  };
}

function bertConfig(model: ModelConfig): Omit<z.input<typeof bertSchema>, 'vocab_size'> {
  return {
    model_type: 'bert',
    hidden_size: model.hidden,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    intermediate_size: model.intermediate,
    max_position_embeddings: model.context,
    type_vocab_size: model.types,
    hidden_act: 'gelu',
    hidden_dropout_prob: model.dropout,
    attention_probs_dropout_prob: model.dropout,
    layer_norm_eps: BERT_EPSILON,
  };
}

function gptConfig(model: ModelConfig): Omit<z.input<typeof gptSchema>, 'vocab_size'> {
  return {
    model_type: 'gpt2',
    n_embd: model.hidden,
    n_layer: model.layers,
    n_head: model.heads,
    n_inner: model.intermediate,
    n_positions: model.context,
    activation_function: 'gelu_new',
    embd_pdrop: model.dropout,
    resid_pdrop: model.dropout,
    attn_pdrop: model.dropout,
    layer_norm_epsilon: GPT_EPSILON,
  };
}

function labelConfig(labels: readonly string[]): object {
  return {
    problem_type: 'single_label_classification',
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}
