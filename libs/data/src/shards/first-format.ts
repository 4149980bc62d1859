import type { ShardLayout, ShardSource } from './layout.js';

const HEADER = 32;
const START = 12;

/**
 * What a shard of format 1 is like, which prepared data of earlier versions have:
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
export function firstLayout(source: ShardSource, fail: (reason: string) => Error): ShardLayout {
  if (source.size < HEADER) throw fail('it is no shard');
  const header = source.read(0, HEADER);
  const width = header.readUInt32LE(START);
  if (width !== 2 && width !== 4) throw fail(`its token ids have ${width} bytes`);
  const documents = header.readUInt32LE(START + 4);
  const count = header.readUInt32LE(START + 8);
  const expected = HEADER + 4 * (2 * documents + 1) + width * count;
  if (source.size !== expected) throw fail(`it has ${source.size} bytes instead of ${expected}`);

  const offsets = asUint32(source.read(HEADER, 4 * (documents + 1)));
  if (!areOffsets(offsets, count)) throw fail('its document offsets are not ascending');
  const labels = HEADER + offsets.byteLength;
  const tokens = labels + 4 * documents;
  return {
    documents,
    sections: [
      { name: 'text', kind: 'tokens', width, count, offsets, start: tokens },
      { name: 'class', kind: 'class', width: 4, count: documents, offsets: null, start: labels },
    ],
  };
}

/** Bytes as numbers. */
export function asUint32({ buffer, byteOffset, length }: Buffer): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length / 4);
}

/** Whether these are places in an array of so many values, from its beginning to its end. */
export function areOffsets(offsets: Uint32Array, count: number): boolean {
  const ordered = offsets.every((offset, at) => at === 0 || offset >= (offsets[at - 1] ?? 0));
  return ordered && offsets[0] === 0 && offsets.at(-1) === count;
}
