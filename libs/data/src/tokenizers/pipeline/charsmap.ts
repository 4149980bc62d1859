/**
 * Maps a text as SentencePiece's `precompiled_charsmap` says: at each place the longest prefix that has a replacement.
 *
 * The map is the size of a double array (Darts-clone) in bytes, as a little-endian 32-bit number, the units of that array,
 * whose keys are UTF-8 and whose values are offsets, and replacements that end with a zero byte each
 * (`Normalizer::DecodePrecompiledCharsMap` in SentencePiece's `normalizer.cc`).
 * @throws Error where the bytes are no such map
 */
export function charsmapNormalizer(bytes: Buffer): (text: string) => string {
  const size = bytes.length < 4 ? Infinity : bytes.readUInt32LE(0);
  if (size % 4 !== 0 || size < 4 || 4 + size > bytes.length)
    throw new Error('its precompiled_charsmap is cut off');
  const units = Uint32Array.from({ length: size / 4 }, (_, at) => bytes.readUInt32LE(4 + 4 * at));
  const replacements = bytes.subarray(4 + size);
  const decoded = new Map<number, string>();
  const replacementAt = (offset: number): string => {
    let text = decoded.get(offset);
    if (text === undefined) {
      const end = replacements.indexOf(0, offset);
      text = replacements.toString('utf8', offset, end < 0 ? replacements.length : end);
      decoded.set(offset, text);
    }
    return text;
  };

  return (text) => {
    const source = Buffer.from(text);
    let normalized = '';
    let kept = 0;
    for (let at = 0; at < source.length;) {
      const found = longestPrefix(units, source, at);
      if (found === null) {
        at += widthOf(source[at] ?? 0);
        continue;
      }
      normalized += source.toString('utf8', kept, at) + replacementAt(found.offset);
      at += found.length;
      kept = at;
    }
    return normalized + source.toString('utf8', kept);
  };
}

interface Prefix {
  /** In bytes. */
  readonly length: number;
  /** Where its replacement begins. */
  readonly offset: number;
}

/** The longest key that the bytes from `start` begin with. */
function longestPrefix(units: Uint32Array, bytes: Buffer, start: number): Prefix | null {
  let found: Prefix | null = null;
  let node = childrenOf(units[0] ?? 0);
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    node ^= byte;
    const unit = units[node];
    if (unit === undefined || (unit & 0x800000ff) !== byte) break;
    node ^= childrenOf(unit);
    if ((unit & 0x100) !== 0)
      found = { length: at + 1 - start, offset: (units[node] ?? 0) & 0x7fffffff };
  }
  return found;
}

/** What of a double array's unit tells where the children of its node are. */
const childrenOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** Bytes of the character that begins with this one. */
const widthOf = (byte: number): number => (byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4);
