const UNIT = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;

/** Bytes of a size as users write it, such as 500MB, 20GB or 1.5TB, below 2^53; null for anything else. */
export function parseByteSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?([KMGT]?B)$/.exec(text);
  if (match === null) return null;
  const bytes = Math.round(Number(match[1]) * UNIT[match[2] as keyof typeof UNIT]);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
