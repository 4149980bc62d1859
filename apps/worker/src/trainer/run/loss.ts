import type { LossTerms } from '@ringmaster/model';
import { RingmasterError, taskIn, type DataManifest, type JobSpec } from '@ringmaster/protocol';

/**
 * What the loss of a job has beside the cross-entropy; null for nothing.
 * @param labels Those of the data, in the order of their ids; null where nothing is labelled.
 * @throws CLASS_WEIGHTS_UNMATCHED
 */
export function lossTermsOf(
  spec: JobSpec,
  { splits }: Pick<DataManifest, 'splits'>,
  labels: readonly string[] | null,
): LossTerms | null {
  if (spec.loss === undefined) return null;
  const { labelSmoothing, zLoss, classWeights: given } = spec.loss;
  if (given === undefined || labels === null) return { labelSmoothing, zLoss, classWeights: null };
  if (given !== 'balanced') {
    const name = Object.keys(given).find((each) => !labels.includes(each));
    if (name !== undefined) throw new RingmasterError('CLASS_WEIGHTS_UNMATCHED', { name, labels });
    return {
      labelSmoothing,
      zLoss,
      classWeights: labels.map((label) => numberOf(given, label) ?? 1),
    };
  }
  const counts = splits.train.counts[taskIn(spec) === 'token-classification' ? 'tags' : 'class'];
  const occurrences = labels.map((label) => numberOf(counts ?? {}, label) ?? 0);
  const all = occurrences.reduce((sum, count) => sum + count, 0);
  const classWeights = occurrences.map((count) =>
    count === 0 ? 1 : all / (labels.length * count),
  );
  return { labelSmoothing, zLoss, classWeights };
}

/** What is said of a label; null for nothing. Labels have any name, also one that every object has something of. */
function numberOf(numbers: Readonly<Record<string, number>>, label: string): number | null {
  return Object.hasOwn(numbers, label) ? (numbers[label] ?? null) : null;
}
