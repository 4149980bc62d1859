import type { z } from 'zod';
import type { ColumnName } from '../formats/columns.js';
import { needsOf, taskIn } from './tasks.js';
import { dataOf, jobFileSchema, type JobSpec } from './schema.js';

/** Keys that are each valid and together ask for what cannot be. */
interface Contradiction {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * What a job file says that cannot come true, and would be ignored in silence or fail long after the job was submitted.
 * Only what is submitted is asked: jobs that lie in a store, or run, stay what they are.
 */
function contradictionsIn(job: JobSpec): Contradiction[] {
  return [
    ...inWorkers(job),
    ...inSchedule(job),
    ...inOptimizer(job),
    ...inLoss(job),
    ...inSplits(job),
    ...inSources(job),
    ...inColumns(job),
  ];
}

/** A job file, without contradictions. */
export const submittedJobSchema = jobFileSchema.superRefine((job, context) => {
  for (const { path, message } of contradictionsIn(job))
    context.addIssue({ code: 'custom', path: [...path], message });
}) satisfies z.ZodType<JobSpec>;

function inWorkers({ workers: { min }, batch: { microbatches } }: JobSpec): Contradiction[] {
  if (min <= microbatches) return [];
  const message = `must not exceed batch.microbatches, which is ${microbatches}: a worker without a microbatch has nothing to compute`;
  return [{ path: ['workers', 'min'], message }];
}

function inSchedule({ optimizer: { schedule }, steps }: JobSpec): Contradiction[] {
  if (schedule === undefined) return [];
  const path = ['optimizer', 'schedule', 'warmup'];
  const { warmup } = schedule;
  if (warmup >= 1 && !Number.isInteger(warmup))
    return [{ path, message: 'is a fraction of all steps below 1, or a whole number of steps' }];
  if (steps === undefined || warmup <= steps) return [];
  const message = `must not exceed steps, which is ${steps}: the learning rate would never come to its peak`;
  return [{ path, message }];
}

function inOptimizer({ optimizer: { algorithm }, tuning }: JobSpec): Contradiction[] {
  if (algorithm !== 'muon' || tuning?.lora === undefined) return [];
  const message =
    'is for the matrices of a network, which do not change beside adapters: take adamw, or no lora';
  return [{ path: ['optimizer', 'algorithm'], message }];
}

function inLoss(job: JobSpec): Contradiction[] {
  if (job.loss !== undefined && taskIn(job) === 'negative-sampling')
    return [{ path: ['loss'], message: 'is of a cross-entropy, which negative-sampling has not' }];
  const { class: classes, tags } = needsOf(job);
  if (job.loss?.classWeights === undefined || classes === 'required' || tags === 'required')
    return [];
  const message = `goes with a task that has labels, and ${taskIn(job)} has none`;
  return [{ path: ['loss', 'classWeights'], message }];
}

function inSplits(job: JobSpec): Contradiction[] {
  const { test, validation } = dataOf(job);
  if (typeof test !== 'number' || typeof validation !== 'number' || test + validation < 1)
    return [];
  const message = `leaves no document to train on: the validation split takes ${validation} of them already`;
  return [{ path: ['data', 'test'], message }];
}

function inSources({ data: { sources = [] } }: JobSpec): Contradiction[] {
  const names = sources.map(({ name }, index) => name ?? String(index + 1));
  const weighted = sources.filter(({ weight }) => weight !== undefined).length;
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  return [
    ...(twice < 0
      ? []
      : [
          {
            path: ['data', 'sources', String(twice), 'name'],
            message: `is that of another source: ${names[twice] ?? ''}`,
          },
        ]),
    ...sources.flatMap(({ weight }, index) =>
      weight === undefined && weighted > 0
        ? [
            {
              path: ['data', 'sources', String(index), 'weight'],
              message: 'is missing: give a weight to each source or to none',
            },
          ]
        : [],
    ),
  ];
}

function inColumns(job: JobSpec): Contradiction[] {
  const { corpus, format, text, label, labels, columns = {} } = job.data;
  const keys = [
    ...(text === undefined ? [] : [['text']]),
    ...(label === undefined ? [] : [['label']]),
    ...Object.keys(columns).map((name) => ['columns', name]),
  ];
  const misplaced = (message: string, all: readonly string[][] = keys) =>
    all.map((key) => ({ path: ['data', ...key], message }));
  if (corpus !== undefined) {
    const given = [
      ...(format === undefined ? [] : [['format']]),
      ...(labels === undefined ? [] : [['labels']]),
      ...keys,
    ];
    return misplaced("goes with 'files', not with a corpus", given);
  }
  if (format !== undefined && !COLUMNAR.includes(format))
    return misplaced(`goes with columns, which files of format ${format} do not have`);
  const twice = (key: string, name: ColumnName) =>
    `names the same column as columns.${name}: give one of ${key} and columns.${name}`;
  const needed: readonly string[] = Object.keys(needsOf(job));
  return [
    ...(text === undefined || columns.text === undefined
      ? []
      : misplaced(twice('text', 'text'), [['text']])),
    ...(label === undefined || columns.class === undefined
      ? []
      : misplaced(twice('label', 'class'), [['label']])),
    ...(labels === undefined || (label ?? columns.class) === undefined
      ? []
      : misplaced('names the folder as the class, which a column is named for too', [['labels']])),
    ...misplaced(
      `is no column of ${taskIn(job)}, which takes ${needed.join(', ')}`,
      Object.keys(columns)
        .filter((name) => !needed.includes(name))
        .map((name) => ['columns', name]),
    ),
  ];
}

/** Formats whose documents have columns with names. */
const COLUMNAR: readonly string[] = ['jsonl', 'json', 'csv', 'tsv', 'conll', 'parquet', 'arrow'];
