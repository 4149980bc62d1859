import { RingmasterError, type ModelSection } from '@ringmaster/protocol';
import type { z } from 'zod';
import { hasLabels, type Head, type HeadKind } from '../heads/head.js';
import type { ParameterSpec } from '../layers/layer.js';
import { plainLinear, type LinearFactory } from '../layers/linear.js';
import { bart } from './bart.js';
import { bert } from './bert.js';
import { cnn } from './cnn.js';
import { distilbert } from './distilbert.js';
import { electra } from './electra.js';
import type {
  Family,
  Network,
  NetworkOptions,
  TensorNames,
  TokenizerOf,
  WindowSampling,
} from './family.js';
import { gpt2 } from './gpt2.js';
import { llama, mistral, qwen2, qwen3 } from './llama.js';
import { marian } from './marian.js';
import { lstm } from './lstm.js';
import { meanEmbeddings } from './mean-embeddings.js';
import { roberta } from './roberta.js';
import { t5 } from './t5.js';
import { word2vec } from './word2vec.js';

const families = [
  bert,
  gpt2,
  roberta,
  distilbert,
  electra,
  llama,
  mistral,
  qwen2,
  qwen3,
  t5,
  bart,
  marian,
  meanEmbeddings,
  cnn,
  lstm,
  word2vec,
] as const;

/** The shape of a model of any family: what a job file's `model` section and a `config.json` come down to. */
export type ModelConfig = z.output<(typeof families)[number]['shape']>;

/** A family whose methods take shapes of their own family only, as `familyOf` finds them. */
export type AnyFamily = Family<ModelConfig, ModelSection>;

export const allFamilies: readonly AnyFamily[] = families;

/** The family of a model. */
export function familyOf({ architecture }: Pick<ModelConfig, 'architecture'>): AnyFamily {
  const family = allFamilies.find((each) => each.architecture === architecture);
  if (family === undefined) throw invalid('architecture', `there is no family ${architecture}`);
  return family;
}

/** The shape of the model that a job file describes. */
export function shapeOf(section: ModelSection, tokenizer: TokenizerOf): ModelConfig {
  return familyOf(section).shapeOf(section, tokenizer);
}

/** What models of a family may have for a head. */
export function headsOf(config: Pick<ModelConfig, 'architecture'>): HeadKind[] {
  return Object.keys(familyOf(config).heads) as HeadKind[];
}

/** How words and windows are drawn of texts for a model; null where it does not learn from those. */
export function windowsOf(config: ModelConfig): WindowSampling | null {
  return familyOf(config).windows?.(config) ?? null;
}

/** What the classes of `transformers` read of a tokenizer's output, beside `input_ids` and `attention_mask`. */
export function inputsOf(config: Pick<ModelConfig, 'architecture'>): readonly string[] {
  return familyOf(config).huggingFace.inputs;
}

/** Whether `transformers` has classes of a model's family. */
export function isInTransformers(config: Pick<ModelConfig, 'architecture'>): boolean {
  return familyOf(config).huggingFace.isOwn !== true;
}

/** Names of the tensors of a model in checkpoints. */
export function tensorNamesOf(config: ModelConfig): TensorNames {
  const { tensors } = familyOf(config).huggingFace;
  return 'of' in tensors ? tensors.of(config) : tensors;
}

/**
 * The network of a model.
 * @throws MODEL_CONFIG_INVALID naming the key, for a shape that no model can have
 */
export function networkOf(config: ModelConfig, options: NetworkOptions): Network {
  const family = familyOf(config);
  const parsed = family.shape.safeParse(config);
  if (parsed.success) return family.network(parsed.data, options);
  const [issue] = parsed.error.issues;
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'it cannot be understood');
}

/**
 * The head of a model.
 * @throws MODEL_CONFIG_INVALID
 */
export function headOf(config: ModelConfig, kind: HeadKind, linear: LinearFactory): Head {
  const { architecture, labels = 0 } = config;
  const head = familyOf(config).heads[kind];
  if (head === undefined) throw invalid('architecture', `a ${architecture} has no ${kind} head`);
  if (hasLabels(kind) && labels < 2)
    throw invalid('labels', 'a classification head needs at least 2');
  return head.make(config, { linear, labels });
}

/**
 * Names and shapes of the parameters of a model, without a runtime to compute with.
 * @param head Null for the network alone.
 * @throws MODEL_CONFIG_INVALID
 */
export function parametersOf(config: ModelConfig, head: HeadKind | null): readonly ParameterSpec[] {
  const linear = plainLinear;
  const { parameters } = networkOf(config, { recompute: false, linear });
  return head === null ? parameters : [...parameters, ...headOf(config, head, linear).parameters];
}

function invalid(key: string, reason: string): RingmasterError {
  return new RingmasterError('MODEL_CONFIG_INVALID', { key, reason });
}
