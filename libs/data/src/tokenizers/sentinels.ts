/** The token that stands for a span of a text, by the number of the span, as T5 names it. */
export const sentinel = (number: number): string => `<extra_id_${number}>`;

/** Sentinels in the order in which T5's vocabularies end with them: the first one last. */
export const sentinelTokens = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => sentinel(count - 1 - at));
