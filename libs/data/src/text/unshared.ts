/** Length from which on V8 makes a part of a string a view of it, which keeps all of it in memory. */
const SHORTEST_VIEW = 13;

/** A string in memory of its own: for one that is kept longer than the text that it is a part of. */
export function unshared(part: string): string {
  if (part.length < SHORTEST_VIEW) return part;
  return Buffer.from(part, 'utf16le').toString('utf16le');
}
