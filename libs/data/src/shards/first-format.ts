import type { Section } from './section.js';

const HEADER = 32;
const START = 12;

/**
 * The columns of a shard of format 1, which prepared data of earlier versions have:
 *
 *     8 bytes   'RMSHARD' and a zero
 *     uint32    version, 1
 *     uint32    width of a token id: 2 or 4 bytes
 *     uint32    documents D
 *     uint32    tokens N
 *     8 bytes   zero
 *     uint32    [D + 1] offsets: document i is tokens offsets[i] … offsets[i + 1]
 *     int32     [D] label ids, -1 without
 *     uint16/32 [N] token ids
 *
 * @param fail Makes the error of a reason.
 */
export function decodeFirstFormat(
  content: Buffer,
  fail: (reason: string) => Error,
): { readonly documents: number; readonly sections: readonly Section[] } {
  if (content.length < HEADER) throw fail('it is no shard');
  const width = content.readUInt32LE(START);
  if (width !== 2 && width !== 4) throw fail(`its token ids have ${width} bytes`);
  const documents = content.readUInt32LE(START + 4);
  const count = content.readUInt32LE(START + 8);
  const expected = HEADER + 4 * (2 * documents + 1) + width * count;
  if (content.length !== expected)
    throw fail(`it has ${content.length} bytes instead of ${expected}`);

  const { buffer } = content;
  const start = content.byteOffset + HEADER;
  const offsets = new Uint32Array(buffer, start, documents + 1);
  const labels = new Int32Array(buffer, start + offsets.byteLength, documents);
  const first = start + offsets.byteLength + labels.byteLength;
  const tokens =
    width === 2 ? new Uint16Array(buffer, first, count) : new Uint32Array(buffer, first, count);
  if (!areOffsets(offsets, count)) throw fail('its document offsets are not ascending');
  return {
    documents,
    sections: [
      { name: 'text', kind: 'tokens', offsets, values: tokens },
      { name: 'class', kind: 'class', values: labels },
    ],
  };
}

/** Whether these are places in an array of so many values, from its beginning to its end. */
export function areOffsets(offsets: Uint32Array, count: number): boolean {
  const ordered = offsets.every((offset, at) => at === 0 || offset >= (offsets[at - 1] ?? 0));
  return ordered && offsets[0] === 0 && offsets.at(-1) === count;
}
