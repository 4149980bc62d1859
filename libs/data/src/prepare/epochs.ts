import { RingmasterError } from '@ringmaster/protocol';
import type { MixtureSource } from '../readers/mixture.js';

/** More passes over a source than this in one epoch are a mistake: it has too little for its weight. */
const MOST = 100;

/**
 * Passes over each source in one epoch of a mixture: the shares are those of the weights, and the source that has least of
 * its share repeated is read once. Sources without weights are read once each.
 * @param sizes What each source has, in what is shared: tokens or documents.
 * @throws DATA_SOURCE_SMALL
 */
export function epochsOf(mixture: readonly MixtureSource[], sizes: readonly number[]): number[] {
  const weights = mixture.map(({ weight }) => weight);
  if (weights.includes(null)) return mixture.map(() => 1);
  const each = weights.map((weight, source) => (sizes[source] ?? 0) / (weight ?? 1));
  const whole = Math.max(...each);
  return mixture.map(({ name }, source) => {
    const epochs = whole / (each[source] ?? whole);
    if (epochs > MOST)
      throw new RingmasterError('DATA_SOURCE_SMALL', {
        name,
        epochs: Math.min(Math.round(epochs), 1e9),
      });
    return epochs;
  });
}
