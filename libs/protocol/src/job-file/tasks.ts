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
  'span-corruption': { text: 'required', class: 'found' },
  'text-generation': { prompt: 'found', completion: 'found', messages: 'found' },
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
  'span-corruption': 'encoder-decoder',
  'text-generation': 'decoder',
};

/** Tasks of those families alone that name them, not of every one of the kind. */
const ofNamedFamilies: readonly TaskName[] = ['negative-sampling', 'span-corruption'];

/** Objectives of pretraining. */
export const objectiveNames = [
  'masked-language-model',
  'causal-language-model',
  'sequence-to-sequence',
  'span-corruption',
  'negative-sampling',
] as const satisfies readonly TaskName[];
export type ObjectiveName = (typeof objectiveNames)[number];

/**
 * Whether a model of a family is trained for a task from random weights.
 * @param family Its kind, and the tasks that it names, which are then all of them.
 */
export function isTrainedFor(
  { kind, tasks }: { readonly kind: ModelKind; readonly tasks?: readonly TaskName[] },
  task: TaskName,
): boolean {
  return kind === kinds[task] && (tasks?.includes(task) ?? !ofNamedFamilies.includes(task));
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
  'span-corruption': { loss: 'lower', accuracy: 'higher' },
  'text-generation': { loss: 'lower', accuracy: 'higher' },
};

/** The objective or task of a job. */
export function taskIn(job: Aim): TaskName {
  return job.kind === 'pretrain' ? job.objective : job.task;
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
