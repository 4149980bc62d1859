import { dropoutAt } from './dropout.js';
import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface AttendOptions {
  /** The stream of the queries. */
  readonly from: Stream;
  /** The stream of the keys and values. */
  readonly to: Stream;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyValueHeads: number;
  readonly scale: number;
  /** Rate of the dropout of probabilities. */
  readonly dropout: number;
  /** Module path of that dropout. */
  readonly path: string;
}

/**
 * What the heads read, T[B·Q,AD], for queries T[B·Q,AD], keys and values T[B·K,GD], and a bias of the scores, float32
 * [A,Q,K], null for none. A token attends to none after itself where both streams are one that is causal.
 */
export function attend(
  pass: Pass,
  [queries, keys, values]: readonly [Value, Value, Value],
  bias: Value | null,
  { from, to, heads, keyValueHeads, scale, dropout, path }: AttendOptions,
): Value {
  const { tape, ops, kernels } = pass;
  const { sequences } = from;
  const options = {
    sequences,
    heads,
    keyValueHeads,
    scale,
    causal: from === to && to.causal,
    lengths: to.lengths,
    bias: bias?.tensor ?? null,
    dropout: dropoutAt(pass, dropout, path),
  };
  const { context, saved } = ops.runtime.scope(() =>
    kernels.attention(queries.tensor, keys.tensor, values.tensor, options),
  );
  const recorded = {
    inputs: bias === null ? [queries, keys, values] : [queries, keys, values, bias],
    saved: [...saved, options.bias],
    parameters: [],
  };
  return tape.record(context, recorded, (dy, give) => {
    const wantsBias = bias?.requiresGradient ?? false;
    const found = kernels.attentionGradient(dy, saved, options, wantsBias);
    const { dQueries, dKeys, dValues, dBias } = found;
    if (bias !== null && dBias !== null) give(bias, (sum) => plus(pass, sum, dBias));
    give(values, (sum) => plus(pass, sum, dValues));
    give(keys, (sum) => plus(pass, sum, dKeys));
    give(queries, (sum) => plus(pass, sum, dQueries));
  });
}
