import { z } from 'zod';
import { givenStepSchema } from '../formats/cleaning.js';
import { MOST_MICROBATCHES } from './microbatches.js';

/**
 * The sections of a job file that every kind of job shares. Each key carries its meaning, unit and default; the JSON
 * Schema and the reference page are made from these descriptions. Every object is strict.
 */

const positive = z.int().positive();
const fraction = z.number().gt(0).lt(1);

/** Tokens of the smallest vocabulary, without sentinels. */
export const LEAST_VOCABULARY = 300;

export const tokenizerSection = z
  .strictObject({
    algorithm: z
      .enum(['wordpiece', 'bpe', 'unigram', 'sentencepiece-bpe', 'words'])
      .describe(
        'wordpiece (BERT), byte-level bpe (GPT-2), unigram (SentencePiece, T5), sentencepiece-bpe: of characters, rare ones as bytes (SentencePiece, LLaMA), or words: whole ones, the most frequent.',
      ),
    vocabulary: positive
      .min(LEAST_VOCABULARY)
      .max(1_000_000)
      .describe('Size of the vocabulary, special tokens included.'),
    lowercase: z
      .boolean()
      .default(true)
      .describe('wordpiece and words only: fold case and strip accents.'),
    byteFallback: z
      .boolean()
      .optional()
      .describe('unigram only: characters that no piece has are bytes, not unknown.'),
    sentinels: positive
      .max(10_000)
      .optional()
      .describe(
        'unigram only: tokens <extra_id_0>, <extra_id_1> … at the end of the vocabulary, as T5 has them, which stand for spans of a text. Default: 100 with span-corruption, else none.',
      ),
    leastCount: positive
      .optional()
      .describe('words only: a word that occurs less often is unknown. Default: 5.'),
  })
  .describe('The tokenizer that is trained on the train split.');

/** Name of a column in the files. Columns without a header (conll) are called by their number from 1. */
const inFile = z
  .union([z.string().min(1), z.int().positive()])
  .transform(String)
  .optional();

const columns = z
  .strictObject({
    text: inFile.describe("The text. Default: 'text'."),
    pair: inFile.describe("A second text. Default: 'pair'."),
    class: inFile.describe("The one class of a document. Default: 'label'."),
    classes: inFile.describe("A list of classes, of which any number may hold. Default: 'labels'."),
    value: inFile.describe("A number. Default: 'value'."),
    words: inFile.describe("A list of words. Default: 'tokens'; of conll files the first column."),
    tags: inFile.describe(
      "A list with a tag for each word. Default: 'tags'; of conll files the last column.",
    ),
    question: inFile.describe("A question. Default: 'question'."),
    context: inFile.describe("The text that holds its answers. Default: 'context'."),
    answers: inFile.describe(
      "The answers and where they begin, as SQuAD has them. Default: 'answers'.",
    ),
    source: inFile.describe("What is to be rewritten. Default: 'source'."),
    target: inFile.describe("What it is rewritten to. Default: 'target'."),
    prompt: inFile.describe("What a completion follows. Default: 'prompt'."),
    completion: inFile.describe("What follows a prompt. Default: 'completion'."),
    messages: inFile.describe(
      "The turns of a conversation, with role and content. Default: 'messages'.",
    ),
  })
  .describe('What the columns of the task are called in the files.');

/** How files are read. */
const dataFormats = [
  'text',
  'lines',
  'jsonl',
  'json',
  'csv',
  'tsv',
  'conll',
  'mbox',
  'html',
  'parquet',
  'arrow',
] as const;

/** A split: a fraction of the documents, or files of its own. */
const split = z.union([fraction, z.string(), z.array(z.string()).min(1)]);

/** How the files of a source are read. */
const reading = {
  format: z
    .enum(dataFormats)
    .optional()
    .describe('How files are read, also those in archives. Default: by their extension.'),
  columns: columns.optional(),
  text: z.string().optional().describe('The same as columns.text.'),
  label: z.string().optional().describe('The same as columns.class.'),
  labels: z
    .enum(['folder'])
    .optional()
    .describe(
      'folder: the class of a document is the name of the folder that its file lies in. Default: the column of the class.',
    ),
};

const source = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
        'letters, digits, dot, dash and underscore, at most 63',
      )
      .optional()
      .describe(
        'What it is called in reports and in the ids of its documents. Default: its number.',
      ),
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .describe('Its files, as under data.files.'),
    ...reading,
    weight: z
      .number()
      .positive()
      .max(1e6)
      .optional()
      .describe(
        'Its share of an epoch beside those of the others: of tokens, where a class is learned of documents. Sources that have less than their share are repeated. Default: what it has.',
      ),
    limit: positive
      .optional()
      .describe(
        'Documents that are taken of it at most: those whose content has the smallest hash.',
      ),
  })
  .describe('One of several sources.');
export type DataSource = z.output<typeof source>;

export const dataSection = z
  .strictObject({
    corpus: z.enum(['spam-assassin']).optional().describe('A corpus that ships with Ringmaster.'),
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe(
        'Files, folders or globs, relative to the job file; one that begins with ! leaves out what it matches. Or https://host/file.jsonl#sha256=HASH, s3://bucket/key and s3://bucket/prefix/.',
      ),
    sources: z
      .array(source)
      .min(1)
      .max(1000)
      .optional()
      .describe(
        'Several sources in place of files, each with its own columns and format; what one does not say is said here for all.',
      ),
    ...reading,
    cleaning: z
      .array(givenStepSchema)
      .optional()
      .describe(
        'Rules and filters that texts go through, in order; default stands for those that the format of the files asks for. Default: [default].',
      ),
    validation: split
      .optional()
      .describe('Documents for evaluation while training: a fraction, or files.'),
    test: split
      .optional()
      .describe(
        'Documents that no job trains on: a fraction (the same documents for every job), or files.',
      ),
  })
  .refine(
    ({ corpus, files, sources }) =>
      [corpus, files, sources].filter((given) => given !== undefined).length === 1,
    { path: ['corpus'], error: "give exactly one of 'corpus', 'files' and 'sources'" },
  )
  .describe('What the model is trained on.');

export const batchSection = z
  .strictObject({
    sequences: positive.max(1_048_576).describe('Sequences a step, over all workers.'),
    microbatches: positive
      .max(MOST_MICROBATCHES)
      .describe(
        'Microbatches a step: the unit of work that is never split. At most 1,024, the most workers of a run; from 65 on gradients take twice the memory.',
      ),
    recompute: z
      .boolean()
      .default(false)
      .describe(
        'Compute activations again in backward instead of keeping them: a fraction of the memory, about 40 % more time, the same bytes.',
      ),
  })
  .refine((batch) => batch.sequences % batch.microbatches === 0, {
    path: ['sequences'],
    error: 'must be a multiple of microbatches',
  })
  .describe('How much is computed a step, and in which fixed pieces.');

export const workersSection = z
  .strictObject({
    min: positive.default(1).describe('The job starts when it has this many slots.'),
    max: positive
      .default(8)
      .describe('It takes no more than this, nor more than it has microbatches.'),
    threads: positive
      .max(256)
      .default(1)
      .describe('TensorFlow threads a trainer; part of what defines the bytes.'),
  })
  .refine((workers) => workers.min <= workers.max, { path: ['min'], error: 'must not exceed max' })
  .describe('How many workers may take part.');

export const checkpointSection = z
  .strictObject({
    every: positive.default(100).describe('Steps between checkpoints.'),
    keep: positive
      .default(3)
      .describe('Newest checkpoints that are kept until the job has succeeded.'),
  })
  .describe('When the state is saved.');

export const retentionSection = z
  .strictObject({
    checkpoints: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'Newest checkpoints that stay once its model is registered, of those kept until then. A job that fails or is cancelled keeps them all.',
      ),
    models: positive
      .optional()
      .describe(
        'Newest models of its name that stay once its own is registered; older ones are removed unless a job needs them as its base. Default: all.',
      ),
  })
  .describe(
    'What stays on disk once the job has succeeded. It never changes a byte of the result.',
  );

export const evaluationSection = z
  .strictObject({
    every: positive.describe('Steps between evaluations on the validation split.'),
    fraction: fraction
      .default(0.02)
      .describe('Documents held for validation when data.validation does not say.'),
  })
  .describe('Evaluation while training.');

export const earlyStoppingSection = z
  .strictObject({
    metric: z
      .string()
      .default('loss')
      .describe(
        'What an evaluation is judged by: loss (lower is better), or another metric of the task, such as accuracy or f1 (higher).',
      ),
    patience: positive.describe(
      'Evaluations in a row without an improvement that end the training.',
    ),
    minimumDelta: z
      .number()
      .min(0)
      .default(0)
      .describe('Changes that are not larger than this are no improvement.'),
  })
  .describe(
    'End the training when evaluations no longer improve. The model then has the weights of the best evaluation.',
  );

export const nonFiniteSection = z
  .strictObject({
    policy: z
      .enum(['skip', 'fail'])
      .default('skip')
      .describe('skip: the step makes no update; fail: the job fails at once.'),
    limit: positive.default(3).describe('Skipped steps in a row after which the job fails.'),
  })
  .describe('What a NaN or an infinity in a loss or a gradient leads to.');

export const auditSection = z
  .strictObject({
    every: z
      .int()
      .min(0)
      .default(100)
      .describe(
        'Steps between audits, in which ranks compare their states and one recomputes a microbatch of another; 0: never.',
      ),
  })
  .describe('How silent corruption is looked for. It never changes a byte of the result.');
