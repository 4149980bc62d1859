import { z } from 'zod';
import { architecturesFor, modelSection, objectivesOf } from './models/models.js';
import { lossSection } from './loss.js';
import { emaSection, optimizerSection } from './optimizer.js';
import { either } from './reason.js';
import {
  auditSection,
  batchSection,
  checkpointSection,
  dataSection,
  earlyStoppingSection,
  evaluationSection,
  LEAST_VOCABULARY,
  nonFiniteSection,
  retentionSection,
  tokenizerSection,
  workersSection,
} from './sections.js';
import { tuningSection } from './tuning.js';
import { DEFAULT_SENTINELS, mostSpans } from './spans.js';
import { metricsOf, objectiveNames, taskIn, type ObjectiveName } from './tasks.js';

const objectiveFor = (objective: ObjectiveName) =>
  `${objective} for ${architecturesFor(objective).join(', ')}`;

const common = {
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      'letters, digits, dot, dash and underscore, at most 63',
    )
    .describe('Name of the job and of the model it makes.'),
  after: z
    .array(z.string())
    .default([])
    .describe(
      'Ids or names of jobs that must have succeeded first; a name is the newest job of it.',
    ),
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe(
      'Precision of the factors of matrix products. Weights, sums and everything else are float32 either way.',
    ),
  workers: workersSection.prefault({}),
  checkpoint: checkpointSection.prefault({}),
  retention: retentionSection.prefault({}),
  evaluation: evaluationSection.optional(),
  earlyStopping: earlyStoppingSection.optional(),
  tuning: tuningSection.optional(),
  nonFinite: nonFiniteSection.prefault({}),
  audit: auditSection.prefault({}),
  base: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What to start from: id or name of a model or of the job that makes it, or a directory, written as a path.',
    ),
  model: modelSection.optional().describe('Train from random weights instead of a base.'),
  tokenizer: tokenizerSection.optional().describe('With model: the tokenizer to train.'),
  data: dataSection,
  optimizer: optimizerSection,
  loss: lossSection.optional(),
  ema: emaSection.optional(),
  epochs: z.int().positive().max(10_000).optional().describe('Passes over the train split.'),
  steps: z.int().positive().max(1e9).optional().describe('Optimizer steps, instead of epochs.'),
  priority: z.int().min(-1000).max(1000).default(0).describe('Higher runs first.'),
  seed: z.int().min(0).max(0xffffffff).default(0).describe('Where all randomness comes from.'),
};

const pretrain = z.strictObject({
  kind: z.literal('pretrain'),
  ...common,
  objective: z.enum(objectiveNames).describe(`${objectiveNames.map(objectiveFor).join('; ')}.`),
  batch: batchSection,
});

const finetune = z.strictObject({
  kind: z.literal('finetune'),
  ...common,
  task: z
    .enum([
      'text-classification',
      'token-classification',
      'sequence-to-sequence',
      'text-generation',
    ])
    .describe('What the model learns to predict.'),
  batch: batchSection.prefault({ sequences: 32, microbatches: 4 }),
});

/** A job file: what a user writes. Parsing fills every default in, so the result is a whole specification. */
export const jobFileSchema = z
  .discriminatedUnion('kind', [pretrain, finetune])
  .superRefine((job, context) => {
    const problem = (path: string[], message: string) => {
      context.addIssue({ code: 'custom', path, message });
    };
    if (job.earlyStopping !== undefined && job.evaluation === undefined)
      problem(['earlyStopping'], "needs 'evaluation', whose results it looks at");
    const task = taskIn(job);
    const metrics = Object.keys(metricsOf(task));
    if (job.earlyStopping !== undefined && !metrics.includes(job.earlyStopping.metric))
      problem(['earlyStopping', 'metric'], `${task} has ${metrics.join(', ')}`);
    if (job.ema?.evaluate === false && !job.ema.export)
      problem(['ema'], "nothing looks at the average: leave out 'ema', or evaluate or export it");
    if (
      job.ema !== undefined &&
      job.earlyStopping !== undefined &&
      job.ema.evaluate !== job.ema.export
    )
      problem(
        ['ema', 'export'],
        'the weights of the best evaluation are exported with earlyStopping: give evaluate and export the same value',
      );
    if (job.tuning?.lora !== undefined && job.base === undefined)
      problem(['tuning', 'lora'], "goes with 'base', which adapters are trained beside");
    if ((job.base === undefined) === (job.model === undefined))
      problem(['base'], "give exactly one of 'base' and 'model'");
    if ((job.model === undefined) !== (job.tokenizer === undefined))
      problem(['tokenizer'], "goes with 'model', and not with 'base', which has its own");
    if (job.tokenizer?.byteFallback !== undefined && job.tokenizer.algorithm !== 'unigram')
      problem(['tokenizer', 'byteFallback'], "goes with 'algorithm: unigram'");
    if (job.tokenizer?.sentinels !== undefined && job.tokenizer.algorithm !== 'unigram')
      problem(['tokenizer', 'sentinels'], "goes with 'algorithm: unigram'");
    const sentinels =
      job.tokenizer?.sentinels ??
      (task === 'span-corruption' && job.tokenizer !== undefined ? DEFAULT_SENTINELS : 0);
    if (job.tokenizer !== undefined && job.tokenizer.vocabulary < LEAST_VOCABULARY + sentinels)
      problem(
        ['tokenizer', 'vocabulary'],
        `must be at least ${LEAST_VOCABULARY + sentinels}, of which ${sentinels} are sentinels`,
      );
    if (job.tokenizer?.leastCount !== undefined && job.tokenizer.algorithm !== 'words')
      problem(['tokenizer', 'leastCount'], "goes with 'algorithm: words'");
    if ((job.epochs === undefined) === (job.steps === undefined))
      problem(['epochs'], "give exactly one of 'epochs' and 'steps'");
    const architecture = job.model?.architecture;
    if (job.kind === 'pretrain') {
      // What a base can be trained with is known once it is found.
      if (architecture === undefined) return;
      const fitting = objectivesOf(architecture);
      if (fitting.length === 0)
        problem(
          ['model', 'architecture'],
          `a ${architecture} is not pretrained but fine-tuned from random weights, with kind: finetune; ${job.objective} takes ${either(architecturesFor(job.objective))}`,
        );
      else if (!fitting.includes(job.objective))
        problem(['objective'], `a ${architecture} trains with ${either(fitting)}`);
      if (job.objective !== 'span-corruption' || job.tokenizer === undefined) return;
      if (job.tokenizer.algorithm !== 'unigram')
        problem(['tokenizer', 'algorithm'], 'span-corruption takes unigram, which has sentinels');
      const spans = mostSpans(job.model?.context ?? 0);
      if ((job.tokenizer.sentinels ?? DEFAULT_SENTINELS) < spans)
        problem(
          ['tokenizer', 'sentinels'],
          `must be at least ${spans}: as many spans are taken out of a text for a context of ${job.model?.context ?? 0} tokens`,
        );
      return;
    }
    const able = architecturesFor(job.task);
    if (architecture !== undefined && !able.includes(architecture))
      problem(['model', 'architecture'], `${job.task} takes ${either(able)}`);
    if (job.data.test === undefined && job.data.validation === undefined)
      problem(['data', 'test'], 'a fine-tune needs a test or validation split to be judged on');
  });

/** A job file with every default filled in. */
export type JobSpec = z.output<typeof jobFileSchema>;
export type TokenizerSection = z.output<typeof tokenizerSection>;
export type DataSection = z.output<typeof dataSection>;
export type { DataSource } from './sections.js';

/** The data that a job is prepared with: where data.validation does not say, evaluation.fraction does. */
export function dataOf({ data, evaluation }: JobSpec): DataSection {
  const validation = data.validation ?? evaluation?.fraction;
  return validation === undefined ? data : { ...data, validation };
}

/** A tokenizer to train, and which special tokens its vocabulary has. */
export type TokenizerRequest = TokenizerSection & {
  /**
   * Those with which RoBERTa surrounds a text, pads it and masks its tokens: in place of `<|endoftext|>` in a byte-level
   * vocabulary, beside LLaMA's in one of `sentencepiece-bpe`. A Unigram one always has them, and surrounds texts where
   * this says so.
   */
  readonly special?: 'roberta';
};

/** The tokenizer that a job trains; null for one that has its base's. */
export function tokenizerOf(spec: JobSpec): TokenizerRequest | null {
  const { tokenizer, model } = spec;
  if (tokenizer === undefined || model === undefined) return null;
  const { algorithm } = tokenizer;
  if (algorithm === 'wordpiece' || algorithm === 'words') return tokenizer;
  // A BERT that classifies has always had a byte-level vocabulary without a first token: specifications keep their hashes.
  if (spec.kind === 'pretrain' && spec.objective === 'span-corruption')
    return { sentinels: DEFAULT_SENTINELS, ...tokenizer, special: 'roberta' };
  const isSurrounded =
    spec.kind === 'pretrain'
      ? spec.objective !== 'causal-language-model'
      : model.architecture !== 'bert' || algorithm !== 'bpe';
  return isSurrounded ? { ...tokenizer, special: 'roberta' } : tokenizer;
}

/** The published JSON Schema of job files, for editors. */
export function jobFileJsonSchema(): object {
  return z.toJSONSchema(jobFileSchema, { io: 'input', unrepresentable: 'any' });
}
