import { z } from 'zod';
import { bart } from './bart.js';
import { bert } from './bert.js';
import { distilbert } from './distilbert.js';
import { electra } from './electra.js';
import { gpt } from './gpt.js';
import { llama, mistral, qwen2, qwen3 } from './llama.js';
import { marian } from './marian.js';
import { roberta } from './roberta.js';
import { t5 } from './t5.js';
import type { ModelKind, PairedTexts } from './transformer.js';

/** The families of models that can be trained, by their names in job files. */
const models = {
  bert,
  gpt,
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
};

export const modelSection = z
  .discriminatedUnion('architecture', [
    bert.section,
    gpt.section,
    roberta.section,
    distilbert.section,
    electra.section,
    llama.section,
    mistral.section,
    qwen2.section,
    qwen3.section,
    t5.section,
    bart.section,
    marian.section,
  ])
  .describe('The transformer to train.');

/** The `model` section of a job file, with its defaults filled in. */
export type ModelSection = z.output<typeof modelSection>;
export type Architecture = ModelSection['architecture'];

export function kindOf(architecture: Architecture): ModelKind {
  return models[architecture].kind;
}

/** How a model of the family is given texts; null for all but encoder–decoders. */
export function pairedTextsOf(architecture: Architecture): PairedTexts | null {
  const model = models[architecture];
  return 'texts' in model ? model.texts : null;
}

/** Names of the families. */
export const architectures = Object.keys(models) as Architecture[];

/** Names of the families of a kind. */
export function architecturesOf(kind: ModelKind): Architecture[] {
  return architectures.filter((architecture) => kindOf(architecture) === kind);
}
