import type { ColumnName, ColumnNeeds } from '../formats/columns.js';
import type { ModelKind } from './models/transformer.js';

/** The columns that each task needs of its documents. */
const needs = {
  'masked-language-model': { text: 'required', class: 'found' },
  'causal-language-model': { text: 'required', class: 'found' },
  'negative-sampling': { text: 'required', class: 'found' },
  'text-classification': { text: 'required', class: 'required' },
  'token-classification': { words: 'required', tags: 'required' },
  'sequence-to-sequence': { source: 'required', target: 'required' },
} as const satisfies Readonly<Record<string, ColumnNeeds>>;

/** What a model can be trained for: the objectives of pretraining, and the tasks of fine-tuning. */
export type TaskName = keyof typeof needs;

/** What of a job says for what it trains. */
type Aim =
  | { readonly kind: 'pretrain'; readonly objective: TaskName }
  | { readonly kind: 'finetune'; readonly task: TaskName };

/** The kind of model that is trained for each task from random weights. */
const kinds: Readonly<Record<TaskName, ModelKind>> = {
  'masked-language-model': 'encoder',
  'causal-language-model': 'decoder',
  'negative-sampling': 'encoder',
  'text-classification': 'encoder',
  'token-classification': 'encoder',
  'sequence-to-sequence': 'encoder-decoder',
};

/** What a kind of model is pretrained with. */
const objectives = {
  encoder: 'masked-language-model',
  decoder: 'causal-language-model',
  'encoder-decoder': 'sequence-to-sequence',
} as const satisfies Record<ModelKind, TaskName>;

/** Objectives of pretraining. */
export const objectiveNames = [
  objectives.encoder,
  objectives.decoder,
  objectives['encoder-decoder'],
  'negative-sampling',
] as const;
export type ObjectiveName = (typeof objectiveNames)[number];

/** What a kind of model is pretrained with; another objective for a family that says so among its tasks. */
export function objectiveFor(kind: ModelKind, tasks: readonly TaskName[]): ObjectiveName {
  return objectiveNames.find((name) => tasks.includes(name)) ?? objectives[kind];
}

/** Which values of a metric are better. */
export type Better = 'lower' | 'higher';

/** Metrics that an evaluation finds, by task; the loss (nats for each unit that is counted) is one of each. */
const metrics: Readonly<Record<TaskName, Readonly<Record<string, Better>>>> = {
  'masked-language-model': { loss: 'lower', accuracy: 'higher' },
  'causal-language-model': { loss: 'lower', accuracy: 'higher' },
  'negative-sampling': { loss: 'lower' },
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
export function taskIn(job: Aim): TaskName {
  return job.kind === 'pretrain' ? job.objective : job.task;
}

/** The kind of model that is trained for a task from random weights. */
export function kindFor(task: TaskName): ModelKind {
  return kinds[task];
}

/** The columns that a job needs of its documents. */
export function needsOf(job: Aim): ColumnNeeds {
  return needs[taskIn(job)];
}

/** What columns are called in files. */
type NamedColumns = Readonly<Partial<Record<ColumnName, string | undefined>>>;

/** What a job file calls columns in its files; those that it does not name have their default. */
export function columnsNamedIn({
  columns,
  text,
  label,
}: {
  readonly columns?: NamedColumns | undefined;
  readonly text?: string | undefined;
  readonly label?: string | undefined;
}): NamedColumns {
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
