import { log } from '@ringmaster/base';

/**
 * Entropy of the unigram distribution over tokens that are not special, in nats a token: the loss of a model that knows
 * nothing but frequencies.
 * @param frequencies Occurrences by token id.
 */
export function unigramEntropy(frequencies: Float64Array, special: readonly number[]): number {
  const counted = Float64Array.from(frequencies);
  for (const id of special) counted[id] = 0;
  const total = counted.reduce((sum, count) => sum + count, 0);
  return counted.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / total) * log(count / total)),
    0,
  );
}
