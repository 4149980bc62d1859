import type { Dataset } from '@ringmaster/data';
import type { JobSpec } from '@ringmaster/protocol';
import { languageModelling } from './language-modelling.js';
import type { Task } from './task.js';
import { textClassification } from './text-classification.js';

/**
 * The task of a job.
 * @param context Longest sequence of the model, in tokens.
 * @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING
 */
export function taskOf(spec: JobSpec, dataset: Dataset, context: number): Task {
  const batch = { ...spec.batch, context, seed: spec.seed };
  return spec.kind === 'pretrain'
    ? languageModelling(spec.objective, dataset, batch)
    : textClassification(dataset, batch);
}
