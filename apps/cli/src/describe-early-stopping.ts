import type { JobView } from '@ringmaster/protocol';

/** Why a job made fewer steps than it could, in words; null for one that did not. */
export function describeEarlyStopping({ stoppedEarly }: JobView): string | null {
  if (stoppedEarly === null) return null;
  const { metric, patience, weightsStep } = stoppedEarly;
  const evaluations = patience === 1 ? 'one evaluation' : `${patience} evaluations`;
  const weights = weightsStep === null ? '' : `; weights of step ${weightsStep}`;
  return `no better ${metric} in ${evaluations}${weights}`;
}
