const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** More than anything here takes, or lies behind us. */
const MOST_MS = 100 * 365 * UNIT_MS.d;

/** Milliseconds of a duration as users write it, such as 500ms, 30s, 10m, 2h or 30d, of up to 100 years; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return null;
  const milliseconds = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return milliseconds <= MOST_MS ? milliseconds : null;
}
