import { ledgerDigest, ledgerOf, stepsPerEpoch } from '@ringmaster/data';
import { taskIn, type DataManifest, type JobSpec, type LedgerView } from '@ringmaster/protocol';
import { tasks } from '@ringmaster/tasks';

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
  // Of a task whose samples are documents, the context of a base does not matter.
  const samples = tasks[taskIn(spec)].count(manifest, 'train', spec.model?.context ?? 0);
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
