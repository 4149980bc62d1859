/**
 * Ports that browsers and `fetch` open no connection to, because other protocols speak there ("bad port", WHATWG
 * Fetch, section 2.9). An API there could be used by nobody.
 */
const REFUSED: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10080,
]);

/** Whether an HTTP API can be reached at this port by every client. */
export function isHttpPort(port: number): boolean {
  return !REFUSED.has(port);
}

/** Ports from the first to the last, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The ports of a text such as `41000-41999`, or of a single one; null of anything else. */
export function parsePortRange(text: string): PortRange | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : null;
}

/** Ports that one trainer may listen at in a moment: two for its ring, and two for the one that takes its place. */
export const PORTS_OF_A_TRAINER = 4;
