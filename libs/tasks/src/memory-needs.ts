import { hasLabels, type ModelConfig } from '@ringmaster/model/formats';
import { algorithmOf, trainingMemory } from '@ringmaster/model/memory';
import { MOST_IN_ONE_PLANE, taskIn, type JobSpec, type MemoryNeeds } from '@ringmaster/protocol';
import { evaluationSequences } from './batches/plan.js';
import { tasks } from './tasks.js';

/** How many labels are reckoned with where the data have yet to tell. */
const LABELS = 64;

/** More of the tokens are hardly ever masked: the mean is 0.15 of a sequence. */
const MASKED = 0.2;

/**
 * The memory that a job takes of each worker, from its specification alone: before there are data, on any machine.
 * @param model What it trains: `plannedModel`, or its base.
 * @throws MODEL_CONFIG_INVALID; FREEZE_UNMATCHED, FREEZE_EVERYTHING, LORA_UNMATCHED
 */
export function memoryNeedsOf(spec: JobSpec, model: ModelConfig): MemoryNeeds {
  const { head } = tasks[taskIn(spec)];
  return trainingMemory({
    model: hasLabels(head) ? { ...model, labels: model.labels ?? LABELS } : model,
    head,
    tuning: spec.tuning ?? {},
    precision: spec.precision,
    recompute: spec.batch.recompute,
    algorithm: algorithmOf(spec.optimizer),
    keepsAverage: spec.ema !== undefined,
    keepsBest: spec.earlyStopping !== undefined,
    planes: spec.batch.microbatches > MOST_IN_ONE_PLANE ? 2 : 1,
    sequences: evaluationSequences(spec.batch),
    isPadded: hasLabels(head) || head === 'sequence-to-sequence',
    scored: head === 'masked-language-model' ? MASKED : head === 'negative-sampling' ? 0 : 1,
  });
}
