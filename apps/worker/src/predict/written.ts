/** Stands for bytes that are not yet a character. */
const INCOMPLETE = /\uFFFD+$/u;

/**
 * What of a text that still grows will not change: all but characters of which bytes are missing, and but an end that may
 * be the beginning of a stop string; nothing from a stop string on.
 */
export function writtenSoFar(text: string, stop: readonly string[]): string {
  const whole = text.replace(INCOMPLETE, '');
  const found = stop.map((each) => whole.indexOf(each)).filter((at) => at >= 0);
  const cut = whole.slice(0, Math.min(whole.length, ...found));
  const kept = stop.map((each) => overlap(cut, each));
  return cut.slice(0, cut.length - Math.max(0, ...kept));
}

/** Length of the longest end of a text with which `wanted` begins. */
function overlap(text: string, wanted: string): number {
  for (let length = Math.min(wanted.length - 1, text.length); length > 0; length--)
    if (text.endsWith(wanted.slice(0, length))) return length;
  return 0;
}
