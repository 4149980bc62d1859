import { endianness } from 'node:os';
import { RingmasterError } from '@ringmaster/protocol';

/**
 * A shard, little-endian:
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
 */
const MAGIC = Buffer.from('RMSHARD\0', 'latin1');
const VERSION = 1;
const HEADER = 32;

if (endianness() !== 'LE') throw new Error('shards are little-endian, and so must the machine be');

export type TokenWidth = 2 | 4;
export type TokenArray = Uint16Array | Uint32Array;

export interface Shard {
  /** Token ids, the documents one after another. */
  readonly tokens: TokenArray;
  /** [D + 1] */
  readonly offsets: Uint32Array;
  /** [D] label ids, -1 without. */
  readonly labels: Int32Array;
}

/** Bytes of a token id in shards of a vocabulary. */
export function tokenWidth(vocabulary: number): TokenWidth {
  return vocabulary <= 0x10000 ? 2 : 4;
}

export function encodeShard({ tokens, offsets, labels }: Shard): Buffer {
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  const sizes = [VERSION, tokens.BYTES_PER_ELEMENT, labels.length, tokens.length];
  for (const [at, value] of sizes.entries()) header.writeUInt32LE(value, 8 + 4 * at);
  const bytes = (array: TokenArray | Int32Array) =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return Buffer.concat([header, bytes(offsets), bytes(labels), bytes(tokens)]);
}

/**
 * Reads a shard without copying its content.
 * @param path Named in errors.
 * @throws DATA_SHARD_INVALID
 */
export function decodeShard(content: Buffer, path: string): Shard {
  const fail = (reason: string) => new RingmasterError('DATA_SHARD_INVALID', { path, reason });
  if (content.length < HEADER || !content.subarray(0, MAGIC.length).equals(MAGIC))
    throw fail('it is no shard');
  const version = content.readUInt32LE(8);
  if (version !== VERSION) throw fail(`it has version ${version}; this program reads ${VERSION}`);
  const width = content.readUInt32LE(12);
  if (width !== 2 && width !== 4) throw fail(`its token ids have ${width} bytes`);
  const documents = content.readUInt32LE(16);
  const count = content.readUInt32LE(20);
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
  const ordered = offsets.every((offset, at) => at === 0 || offset >= (offsets[at - 1] ?? 0));
  if (!ordered || offsets[0] !== 0 || offsets[documents] !== count)
    throw fail('its document offsets are not ascending');
  return { tokens, offsets, labels };
}
