import {
  countSamples,
  ledgerDigest,
  ledgerOf,
  stepsPerEpoch,
  type BatchSpec,
} from '@ringmaster/data';
import type { DataManifest, JobSpec, LedgerView } from '@ringmaster/protocol';

/**
 * Which samples a step of a job consumes: a function of its specification and of its data.
 * @param step As in the loss curve, from 1.
 */
export function ledgerOfStep(
  spec: JobSpec,
  manifest: DataManifest,
  step: number,
): Omit<LedgerView, 'reported'> {
  const { batch, seed } = spec;
  const samples = countSamples(manifest, 'train', samplingOf(spec));
  const order = { ...batch, seed };
  const microbatches = ledgerOf(samples, order, step - 1).map((numbers) => [...numbers]);
  const consumed = microbatches.flat();
  return {
    step,
    epoch: Math.floor((step - 1) / stepsPerEpoch(samples, order)),
    microbatches,
    computed: { samples: consumed.length, digest: ledgerDigest(consumed) },
  };
}

function samplingOf(spec: JobSpec): Pick<BatchSpec, 'objective' | 'context'> {
  if (spec.kind === 'pretrain') return { objective: spec.objective, context: spec.model.context };
  // A document is one sample, however long the sequences are.
  return { objective: spec.task, context: 0 };
}
