import { preparationPhases, type PreparationProgress } from '@ringmaster/protocol';
import { formatBytes, formatCount, formatSeconds } from './output.js';

/** How far the preparation of data has come: what it does, how much of it, how fast, and for how long still. */
export function describePreparation({
  phase,
  done,
  total,
  bytes,
  bytesPerSecond,
  secondsLeft,
}: PreparationProgress): string {
  const count =
    total === null ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;
  const parts = [
    done === 0 ? preparationPhases[phase] : `${preparationPhases[phase]}: ${count}`,
    bytes === null ? null : `${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}`,
    bytesPerSecond === null ? null : `${formatBytes(bytesPerSecond)}/s`,
    secondsLeft === null ? null : `${formatSeconds(secondsLeft)} left`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}
