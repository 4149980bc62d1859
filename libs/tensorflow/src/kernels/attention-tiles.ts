/** Queries of every sequence and head that are computed together, and the keys that one of them may see. */
export interface Tile {
  /** The first of the queries. */
  readonly first: number;
  readonly count: number;
  /** How many keys; they are the first ones. */
  readonly seen: number;
}

/** Queries of a tile; measured: docs/decisions/0075-attention-in-bfloat16.md. */
export const TILE_QUERIES = 256;

/** Contexts of as many tiles are computed at once. */
const AT_ONCE = 2;

/** The longest context that is computed at once, so that its scores are kept for the gradient. */
export const WHOLE_QUERIES = AT_ONCE * TILE_QUERIES;

/** All Q queries over K keys in tiles, from the first on; with `causal` the last query stands at the last key. */
export function tilesOf(
  queries: number,
  keys: number,
  causal: boolean,
  tileQueries: number,
): Tile[] {
  const step = queries <= AT_ONCE * tileQueries ? queries : tileQueries;
  return Array.from({ length: Math.ceil(queries / step) }, (_, index) => {
    const first = index * step;
    const count = Math.min(step, queries - first);
    return { first, count, seen: causal ? keys - queries + first + count : keys };
  });
}
