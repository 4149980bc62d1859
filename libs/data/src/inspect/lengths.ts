/** Documents whose number of tokens is from `from` to `to`. */
export interface LengthBin {
  readonly from: number;
  readonly to: number;
  readonly documents: number;
}

/** How many tokens documents have. */
export interface Lengths {
  readonly mean: number;
  readonly longest: number;
  /** Bins whose bounds double, from the first to the last that has documents. */
  readonly bins: readonly LengthBin[];
}

/** Counts documents by their numbers of tokens: 0 to 8, then twice as many from bin to bin. */
export function lengthsOf(tokens: Iterable<number>): Lengths {
  const bins: LengthBin[] = [];
  let documents = 0;
  let sum = 0;
  let longest = 0;
  for (const length of tokens) {
    for (let bin = 0; ; bin++) {
      const { from, to, documents: others } = bins[bin] ?? binBehind(bins[bin - 1]);
      bins[bin] = { from, to, documents: others + (length <= to ? 1 : 0) };
      if (length <= to) break;
    }
    documents++;
    sum += length;
    longest = Math.max(longest, length);
  }
  const first = bins.findIndex((bin) => bin.documents > 0);
  return { mean: sum / Math.max(1, documents), longest, bins: bins.slice(Math.max(0, first)) };
}

/** The bin behind another one, or the first, without documents. */
function binBehind(before: LengthBin | undefined): LengthBin {
  return before === undefined
    ? { from: 0, to: 8, documents: 0 }
    : { from: before.to + 1, to: 2 * before.to, documents: 0 };
}
