/** Share of the tokens of a text that span corruption takes out, and mean length of the spans (Raffel et al., 2020). */
const DENSITY = 0.15;
const MEAN_SPAN = 3;

/** Sentinels of T5's vocabularies. */
export const DEFAULT_SENTINELS = 100;

/** How many tokens span corruption takes out of a text, in how many spans. */
export interface SpanCounts {
  readonly noise: number;
  readonly spans: number;
}

/**
 * The counts of `random_spans_noise_mask` in T5's published code for a text of at least 2 tokens: halves are rounded to even
 * numbers, and there is always a token that goes and one that stays.
 */
export function spanCounts(tokens: number): SpanCounts {
  const noise = Math.min(Math.max(roundToEven(tokens * DENSITY), 1), tokens - 1);
  return { noise, spans: Math.max(1, roundToEven(noise / MEAN_SPAN)) };
}

/**
 * Tokens of a text such that what is left of it, a sentinel for each span and the token that ends it fill a source: those of
 * `random_spans_helper` in T5's published code.
 * @param context Tokens of a source, at least 8.
 */
export function corruptedLength(context: number): number {
  const sourceOf = (tokens: number) => {
    const { noise, spans } = spanCounts(tokens);
    return tokens - noise + spans + 1;
  };
  let tokens = context - 1;
  while (sourceOf(tokens + 1) <= context) tokens++;
  return tokens;
}

/** The most spans that a text has whose source has this many tokens. */
export function mostSpans(context: number): number {
  return spanCounts(corruptedLength(context)).spans;
}

/** As Python and TensorFlow round: halves to the even one of their neighbours. */
function roundToEven(value: number): number {
  const down = Math.floor(value);
  const above = value - down;
  if (above !== 0.5) return above < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}
