import assert from 'node:assert/strict';

import { z } from 'zod';

import { allFamilies, familyOf, type AnyFamily, type ModelConfig } from '../families/families.js';
import type { TokenIds } from '../families/family.js';
import { hasLabels, type HeadKind } from '../heads/head.js';
import {
  constraintKeys,
  constraintsConfig,
  constraintsFrom,
  type TokenConstraints,
} from './token-constraints.js';
import { withDefaults } from './config-defaults.js';

/** How a classification head's logits become scores: one label a text, or any number of them. */
export type Scoring = 'softmax' | 'sigmoid';

/** What a model directory's `config.json` says, in our words. */
export interface HuggingFaceConfig {
  readonly model: ModelConfig;
  /** Null for a checkpoint without a head. */
  readonly head: HeadKind | null;
  /** Names of the labels in the order of their ids; null without a head that has labels. */
  readonly labels: readonly string[] | null;
  /** Null without a classification head. */
  readonly scoring: Scoring | null;
  readonly tokens: TokenIds;
  /** What generation must do with some tokens; nothing without. */
  readonly constraints?: TokenConstraints;
}

const token = z.int().min(0).nullable().default(null);
const nothing = z.union([z.literal(false), z.null(), z.strictObject({}), z.tuple([])]).optional();

/** Keys of every `config.json`, whatever its family. */
const commonSchema = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z
    .enum(['single_label_classification', 'multi_label_classification'])
    .nullable()
    .default(null),
  pruned_heads: nothing,
  quantization_config: nothing,
  ...constraintKeys,
  pad_token_id: token,
  bos_token_id: token,
  eos_token_id: z.union([token, z.array(z.int().min(0)).min(1)]),
});

const familySchema = z.looseObject({
  model_type: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
});

/** A configuration that we do not support; the message says what it has and what is supported instead. */
export class UnsupportedConfig extends Error {
  override readonly name = 'UnsupportedConfig';
}

/** @throws UnsupportedConfig */
export function parseConfig(json: unknown): HuggingFaceConfig {
  const named = familySchema.safeParse(json);
  if (!named.success) throw new UnsupportedConfig('it is no configuration of a model');
  const type = named.data.model_type;
  const className = named.data.architectures?.[0];
  const family = allFamilies.find(({ huggingFace }) => huggingFace.modelType === type);
  const head = family === undefined ? undefined : headOfClass(family, className);
  if (family === undefined || head === undefined) {
    const found = `${className ?? 'a model'} of model_type ${type ?? 'unknown'}`;
    const known = allFamilies.flatMap((each) => [...classesOf(each).keys()]);
    throw new UnsupportedConfig(`${found} is not supported; supported are ${known.join(', ')}`);
  }
  const whole = withDefaults(named.data, family.huggingFace.modelType);
  const common = understood(commonSchema, whole);
  const model = understood(family.huggingFace.config, whole);
  const labels = hasLabels(head) ? labelsOf(common.id2label ?? {}) : null;
  const constraints = constraintsFrom(common);
  const forced = [constraints?.first ?? 0, constraints?.last ?? 0].find(
    (id) => id >= model.vocabulary,
  );
  if (forced !== undefined)
    throw new UnsupportedConfig(
      `the token ${forced} is forced, and vocab_size is ${model.vocabulary}`,
    );
  const scoring = common.problem_type === 'multi_label_classification' ? 'sigmoid' : 'softmax';
  return {
    model: labels === null ? model : { ...model, labels: labels.length },
    head,
    labels,
    scoring: head === 'sequence-classification' ? scoring : null,
    tokens: {
      padding: common.pad_token_id,
      begin: common.bos_token_id,
      end: common.eos_token_id,
    },
    ...(constraints === null ? {} : { constraints }),
  };
}

/** The classes of a family in `transformers`, each with its head; the last one of a head is written. */
function classesOf({ heads, huggingFace }: AnyFamily): ReadonlyMap<string, HeadKind | null> {
  const ofHeads = Object.entries(heads).map(([kind, { className }]) => {
    return [className, kind as HeadKind] as const;
  });
  return new Map([...Object.entries(huggingFace.otherClasses), ...ofHeads]);
}

/** The head of a class, null for none; undefined for a class that the family does not have. */
function headOfClass(family: AnyFamily, name: string | undefined): HeadKind | null | undefined {
  return name === undefined ? null : classesOf(family).get(name);
}

/** @throws UnsupportedConfig */
function understood<Output>(schema: z.ZodType<Output>, json: unknown): Output {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UnsupportedConfig(describe(parsed.error.issues[0], json));
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
export function formatConfig({
  model,
  head,
  labels,
  scoring,
  tokens,
  constraints,
}: HuggingFaceConfig): object {
  const family = familyOf(model);
  const className = [...classesOf(family)].findLast(([, kind]) => kind === head)?.[0];
  assert(className !== undefined, `a ${model.architecture} has no ${head ?? ''}`);
  const padding = family.huggingFace.padding?.(model) ?? tokens.padding;
  return {
    architectures: [className],
    ...family.huggingFace.format(model, { ...tokens, padding }),
    vocab_size: model.vocabulary,
    initializer_range: 0.02,
    tie_word_embeddings: model.tied ?? true,
    pad_token_id: padding,
    bos_token_id: tokens.begin,
    eos_token_id: tokens.end,
    ...constraintsConfig(constraints),
    ...(labels === null ? {} : labelConfig(labels, scoring)),
    dtype: 'float32',
  };
}

function labelConfig(labels: readonly string[], scoring: Scoring | null): object {
  const problem = scoring === 'sigmoid' ? 'multi_label' : 'single_label';
  return {
    ...(scoring === null ? {} : { problem_type: `${problem}_classification` }),
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}
