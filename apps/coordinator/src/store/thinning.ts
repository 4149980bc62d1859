/** The smallest or largest value of one series in one stretch of steps, and where it is; nulls where there is none. */
export interface Extreme {
  readonly step: number | null;
  readonly value: number | null;
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

/** Which of two extremes stays. */
export function keep(kind: 'min' | 'max', a: Extreme, b: Extreme): Extreme {
  if (a.value === null || b.value === null) return a.value === null ? b : a;
  return (kind === 'min' ? b.value < a.value : b.value > a.value) ? b : a;
}
