import assert from 'node:assert/strict';

import { z } from 'zod';

import type { HeadKind, ModelConfig } from '../architectures/config.js';

/** How a classification head's logits become scores: one label a text, or any number of them. */
export type Scoring = 'softmax' | 'sigmoid';

/** What a model directory's `config.json` says, in our words. */
export interface HuggingFaceConfig {
  readonly model: ModelConfig;
  /** Null for a checkpoint without a head. */
  readonly head: HeadKind | null;
  /** Names of the labels in the order of their ids; null without a classification head. */
  readonly labels: readonly string[] | null;
  /** Null without a classification head. */
  readonly scoring: Scoring | null;
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

/** Classes of `transformers` that can be read, by `model_type`; the last of a head is the one that is written. */
const CLASSES = {
  bert: {
    BertModel: null,
    BertForPreTraining: 'masked-language-model',
    BertForMaskedLM: 'masked-language-model',
    BertForSequenceClassification: 'sequence-classification',
  },
  gpt2: { GPT2Model: null, GPT2LMHeadModel: 'causal-language-model' },
} as const satisfies Record<string, Record<string, HeadKind | null>>;

const MODEL_TYPES = { bert: 'bert', gpt: 'gpt2' } as const;

// Far above every model of these families: what is larger is no size but a mistake, and costs nothing to refuse.
const size = z.int().positive().max(0x7fffffff);
const layers = z.int().positive().max(1024);
const probability = z.number().min(0).lt(1).default(0.1);
const token = z.int().min(0).nullable().default(null);
const no = z.literal(false).nullish();
const nothing = z.union([z.literal(false), z.null(), z.strictObject({}), z.tuple([])]).optional();

const common = {
  architectures: z.array(z.string()).nullish(),
  vocab_size: size,
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z
    .enum(['single_label_classification', 'multi_label_classification'])
    .nullable()
    .default(null),
  tie_word_embeddings: z.literal(true).nullish(),
  add_cross_attention: no,
  is_encoder_decoder: no,
  pruned_heads: nothing,
  quantization_config: nothing,
  pad_token_id: token,
  bos_token_id: token,
  eos_token_id: token,
};

const bertSchema = z.looseObject({
  ...common,
  model_type: z.literal('bert'),
  hidden_size: size,
  num_hidden_layers: layers,
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size,
  type_vocab_size: size.default(2),
  hidden_act: z.literal('gelu').default('gelu'),
  hidden_dropout_prob: probability,
  layer_norm_eps: z.literal(BERT_EPSILON).default(BERT_EPSILON),
  position_embedding_type: z.literal('absolute').nullish(),
  is_decoder: no,
});

const gptSchema = z.looseObject({
  ...common,
  model_type: z.literal('gpt2'),
  n_embd: size,
  n_layer: layers,
  n_head: size,
  n_inner: size.nullable().default(null),
  n_positions: size,
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
  resid_pdrop: probability,
  layer_norm_epsilon: z.literal(GPT_EPSILON).default(GPT_EPSILON),
  scale_attn_weights: z.literal(true).nullish(),
  scale_attn_by_inverse_layer_idx: no,
});

const configSchema = z.discriminatedUnion('model_type', [bertSchema, gptSchema]);
const familySchema = z.looseObject({
  model_type: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
});

type Bert = z.output<typeof bertSchema>;
type Gpt = z.output<typeof gptSchema>;

/** A configuration that we do not support; the message says what it has and what is supported instead. */
export class UnsupportedConfig extends Error {
  override readonly name = 'UnsupportedConfig';
}

/** @throws UnsupportedConfig */
export function parseConfig(json: unknown): HuggingFaceConfig {
  const family = familySchema.safeParse(json);
  if (!family.success) throw new UnsupportedConfig('it is no configuration of a model');
  const className = family.data.architectures?.[0];
  const type = family.data.model_type;
  const classes: Readonly<Record<string, HeadKind | null>> | undefined =
    type === 'bert' || type === 'gpt2' ? CLASSES[type] : undefined;
  if (classes === undefined || (className !== undefined && !Object.hasOwn(classes, className))) {
    const found = `${className ?? 'a model'} of model_type ${type ?? 'unknown'}`;
    const known = Object.values(CLASSES).flatMap((of) => Object.keys(of));
    throw new UnsupportedConfig(`${found} is not supported; supported are ${known.join(', ')}`);
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw new UnsupportedConfig(describe(parsed.error.issues[0], json));
  const config = parsed.data;
  const head = className === undefined ? null : (classes[className] ?? null);
  const isClassifier = head === 'sequence-classification';
  const labels = isClassifier ? labelsOf(config.id2label ?? {}) : null;
  const scoring = config.problem_type === 'multi_label_classification' ? 'sigmoid' : 'softmax';
  return {
    model: {
      ...(config.model_type === 'bert' ? bertModel(config) : gptModel(config)),
      vocabulary: config.vocab_size,
      positions: 'learned',
      ...(labels === null ? {} : { labels: labels.length }),
    },
    head,
    labels,
    scoring: isClassifier ? scoring : null,
    tokens: {
      padding: config.pad_token_id,
      begin: config.bos_token_id,
      end: config.eos_token_id,
    },
  };
}

/** What is wrong with a key, in a line: what it is, and what it may be. */
function describe(issue: z.core.$ZodIssue | undefined, json: unknown): string {
  if (issue === undefined) return 'it cannot be understood';
  const [key, ...rest] = issue.path;
  const path = issue.path.join('.');
  const value = rest.length > 0 ? undefined : (json as Record<PropertyKey, unknown>)[key ?? ''];
  if (value === undefined) return `${path}: ${issue.message}`;
  const found = `${path} is ${JSON.stringify(value)}`;
  if (issue.code !== 'invalid_value') return `${found}: ${issue.message}`;
  return `${found}; supported: ${issue.values.map((each) => JSON.stringify(each)).join(', ')}`;
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
  const ids = Object.keys(id2label);
  // Two labels without names are the default of the format, which then leaves them out.
  if (ids.length === 0) return ['LABEL_0', 'LABEL_1'];
  if (ids.length === 1) throw new UnsupportedConfig('id2label has one label: a regression head');
  return ids.map((_, id) => {
    const label = id2label[String(id)];
    if (label === undefined) throw new UnsupportedConfig(`id2label has no label ${id}`);
    return label;
  });
}

/** The `config.json` of a model, which Python `transformers` reads. */
export function formatConfig({ model, head, labels, scoring, tokens }: HuggingFaceConfig): object {
  const { architecture, positions, types, vocabulary } = model;
  assert(positions === 'learned' && types > 0 === (architecture === 'bert'), 'no such class');
  const classes = Object.entries(CLASSES[MODEL_TYPES[architecture]]);
  const className = classes.findLast(([, kind]) => kind === head)?.[0];
  assert(className !== undefined, `a ${architecture} has no ${head ?? ''}`);
  return {
    architectures: [className],
    ...(architecture === 'bert' ? bertConfig(model) : gptConfig(model)),
    vocab_size: vocabulary,
    initializer_range: 0.02,
    tie_word_embeddings: true,
    pad_token_id: tokens.padding,
    bos_token_id: tokens.begin,
    eos_token_id: tokens.end,
    ...(labels === null ? {} : labelConfig(labels, scoring)),
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

function labelConfig(labels: readonly string[], scoring: Scoring | null): object {
  const problem = scoring === 'sigmoid' ? 'multi_label' : 'single_label';
  return {
    problem_type: `${problem}_classification`,
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}
