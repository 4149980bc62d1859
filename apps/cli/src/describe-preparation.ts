import {
  preparationPhases,
  type PreparationProgress,
  type PreparerView,
} from '@ringmaster/protocol';
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

/** Who does the tasks of a preparation, in one line: how many each has done, and how many it does now. */
export function describePreparers(preparers: readonly PreparerView[]): string | null {
  if (preparers.length === 0) return null;
  return preparers
    .map(({ by, doing, done }) => `${by} ${formatCount(done)} done, ${formatCount(doing)} now`)
    .join('; ');
}
