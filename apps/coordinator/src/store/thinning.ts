/** The smallest or largest value of one series in one stretch of steps, and where it is. */
export interface Extreme {
  readonly step: number;
  readonly value: number;
}

/** A stretch of steps, both ends included. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** Cuts steps into so many stretches of about equal length, none of which is empty. */
export function stretches({ first, last }: Stretch, count: number): Stretch[] {
  const length = Math.max(1, Math.ceil((last - first + 1) / count));
  const starts = Math.ceil((last - first + 1) / length);
  return Array.from({ length: starts }, (_, index) => {
    const start = first + index * length;
    return { first: start, last: Math.min(last, start + length - 1) };
  });
}

/** Which of two extremes stays: the earlier one where they are equal. */
export function keep(kind: 'min' | 'max', a: Extreme | undefined, b: Extreme): Extreme {
  if (a === undefined) return b;
  return (kind === 'min' ? b.value < a.value : b.value > a.value) ? b : a;
}
