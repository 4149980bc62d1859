import { exp, log, type RandomStream } from '@ringmaster/base';

/** How the next token is chosen. The order is that of `transformers`: penalty, temperature, top-k, top-p, min-p. */
export interface Sampling {
  /** What logits are divided by; 0 takes the likeliest token, the first of equals. */
  readonly temperature: number;
  /** Only this many of the likeliest tokens; null for all. */
  readonly topK: number | null;
  /** Only the likeliest tokens that together have at least this probability; null for all. */
  readonly topP: number | null;
  /** Only tokens with at least this share of the likeliest one's probability; null for all. */
  readonly minP: number | null;
  /** Logits of tokens that are there already are divided by it, or multiplied where they are negative; 1 for none. */
  readonly repetitionPenalty: number;
}

/** The likeliest token each time. */
export const greedy: Sampling = {
  temperature: 0,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: 1,
};

/** Logits of tokens that are there already, made smaller (Keskar et al., "CTRL", 2019). */
export function penalised(
  logits: Float32Array,
  seen: readonly number[],
  penalty: number,
): Float32Array {
  if (penalty === 1) return logits;
  const result = logits.slice();
  for (const id of new Set(seen)) {
    const logit = result[id] ?? 0;
    result[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
  return result;
}

/**
 * The next token after `seen`, by the logits [V]: a function of them and of one draw of `random`.
 * @param at Number of the draw.
 */
export function nextToken(
  logits: Float32Array,
  seen: readonly number[],
  how: Sampling,
  random: RandomStream,
  at: number,
): number {
  const found = penalised(logits, seen, how.repetitionPenalty);
  if (how.temperature === 0) return likeliest(found);
  const weights = weightsOf(found, how);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = random.uniform(at) * total;
  const chosen = weights.findIndex((weight) => (left -= weight) < 0);
  return chosen < 0 ? likeliest(found) : chosen;
}

/** What the probabilities of tokens [V] are proportional to, by their logits: 0 for those that are not drawn. */
export function weightsOf(
  logits: Float32Array,
  { temperature, topK, topP, minP }: Omit<Sampling, 'repetitionPenalty'>,
): Float64Array {
  const top = largestOf(logits);
  const weights = Float64Array.from(logits, (logit) => exp((logit - top) / temperature));
  keepFrom(weights, topK === null ? 0 : kthLargest(weights, topK));
  keepFrom(weights, topP === null ? 0 : leastOfNucleus(weights, topP));
  // The largest weight is 1.
  keepFrom(weights, minP ?? 0);
  return weights;
}

/** The index of the largest logit; the first of equals. */
function likeliest(logits: Float32Array): number {
  let best = 0;
  logits.forEach((logit, id) => {
    if (logit > (logits[best] ?? -Infinity)) best = id;
  });
  return best;
}

function largestOf(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

/** The k-th of values in descending order, or the last. */
export function kthLargest(values: Float32Array | Float64Array, k: number): number {
  return values.toSorted()[Math.max(0, values.length - k)] ?? -Infinity;
}

/** Makes weights below the least that is kept 0. */
function keepFrom(weights: Float64Array, least: number): void {
  for (const [id, weight] of weights.entries()) if (weight < least) weights[id] = 0;
}

/** The least weight among the fewest, largest first, that together are this share of all (Holtzman et al., 2020). */
function leastOfNucleus(weights: Float64Array, share: number): number {
  const wanted = share * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.toSorted().findLast((weight) => (sum += weight) >= wanted) ?? 0;
}

/** Logarithms of the probabilities that logits stand for. */
export function logProbabilities(logits: Float32Array): Float64Array {
  const top = largestOf(logits);
  const total = logits.reduce((sum, logit) => sum + exp(logit - top), 0);
  const shift = top + log(total);
  return Float64Array.from(logits, (logit) => logit - shift);
}
