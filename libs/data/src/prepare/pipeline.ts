/** Raise it when the same sources would give other bytes: readers, cleaning, splits, tokenizers or shards changed. */
export const PIPELINE = 7;
