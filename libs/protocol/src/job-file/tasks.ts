import type { ColumnName, ColumnNeeds } from '../formats/columns.js';
import type { ModelKind } from './models/transformer.js';
import type { DataSection, FinetuneSpec, JobSpec, PretrainSpec } from './schema.js';

/** What a model can be trained for: the objectives of pretraining, and the tasks of fine-tuning. */
export type TaskName = PretrainSpec['objective'] | FinetuneSpec['task'];

/** The columns that each task needs of its documents. */
const needs: Readonly<Record<TaskName, ColumnNeeds>> = {
  'masked-language-model': { text: 'required', class: 'found' },
  'causal-language-model': { text: 'required', class: 'found' },
  'text-classification': { text: 'required', class: 'required' },
  'token-classification': { words: 'required', tags: 'required' },
  'sequence-to-sequence': { source: 'required', target: 'required' },
};

/** The kind of model that is trained for each task from random weights. */
const kinds: Readonly<Record<TaskName, ModelKind>> = {
  'masked-language-model': 'encoder',
  'causal-language-model': 'decoder',
  'text-classification': 'encoder',
  'token-classification': 'encoder',
  'sequence-to-sequence': 'encoder-decoder',
};

/** Which values of a metric are better. */
export type Better = 'lower' | 'higher';

/** Metrics that an evaluation finds, by task; the loss (nats for each unit that is counted) is one of each. */
const metrics: Readonly<Record<TaskName, Readonly<Record<string, Better>>>> = {
  'masked-language-model': { loss: 'lower', accuracy: 'higher' },
  'causal-language-model': { loss: 'lower', accuracy: 'higher' },
  'text-classification': {
    loss: 'lower',
    accuracy: 'higher',
    precision: 'higher',
    recall: 'higher',
    f1: 'higher',
    rocAuc: 'higher',
  },
  'token-classification': {
    loss: 'lower',
    accuracy: 'higher',
    precision: 'higher',
    recall: 'higher',
    f1: 'higher',
  },
  'sequence-to-sequence': { loss: 'lower', accuracy: 'higher', exactMatch: 'higher' },
};

/** The objective or task of a job. */
export function taskIn(spec: JobSpec): TaskName {
  return spec.kind === 'pretrain' ? spec.objective : spec.task;
}

/** The kind of model that is trained for a task from random weights. */
export function kindFor(task: TaskName): ModelKind {
  return kinds[task];
}

/** The columns that a job needs of its documents. */
export function needsOf(spec: JobSpec): ColumnNeeds {
  return needs[taskIn(spec)];
}

/** What a job file calls columns in its files; those that it does not name have their default. */
export function columnsNamedIn({
  columns,
  text,
  label,
}: Pick<DataSection, 'columns' | 'text' | 'label'>): Readonly<
  Partial<Record<ColumnName, string | undefined>>
> {
  return {
    ...columns,
    ...(text === undefined ? {} : { text }),
    ...(label === undefined ? {} : { class: label }),
  };
}

/** Metrics of a task, each with the values that are better. */
export function metricsOf(task: TaskName): Readonly<Record<string, Better>> {
  return metrics[task];
}
