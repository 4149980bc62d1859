import { ledgerDigest, ledgerOf, stepsPerEpoch } from '@ringmaster/data';
import { taskIn, type DataManifest, type JobSpec, type LedgerView } from '@ringmaster/protocol';
import { tasks } from '@ringmaster/tasks';

/**
 * Which samples a step of a job consumes: a function of its specification, of its data, and of its base's context.
 * @param context Longest sequence of the model that is trained, in tokens.
 * @param step As in the loss curve, from 1.
 */
export function ledgerOfStep(
  spec: JobSpec,
  manifest: DataManifest,
  context: number,
  step: number,
): Omit<LedgerView, 'reported'> {
  const { batch, seed } = spec;
  const samples = tasks[taskIn(spec)].count(manifest, 'train', context);
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
