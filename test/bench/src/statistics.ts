/** Middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper;
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/** Smallest and largest value. */
export function spread(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The line nearest to points by least squares, and how far the farthest point is from it. */
export function fitLine(
  x: readonly number[],
  y: readonly number[],
): { readonly slope: number; readonly intercept: number; readonly farthest: number } {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middle, level] = [mean(x), mean(y)];
  const products = x.map((each, at) => (each - middle) * ((y[at] ?? NaN) - level));
  const slope = mean(products) / mean(x.map((each) => (each - middle) ** 2));
  const intercept = level - slope * middle;
  const errors = x.map((each, at) => Math.abs((y[at] ?? NaN) - intercept - slope * each));
  return { slope, intercept, farthest: Math.max(...errors) };
}
