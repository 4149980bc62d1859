import { RingmasterError } from '@ringmaster/protocol';
import { piecesOf, textOf } from './bytes.js';
import { ChunkBuilder, type RepeatedWords, type VectorChunk } from './vector-table.js';

/** What the first line of word2vec's binary files says. */
export interface BinaryLayout {
  readonly path: string;
  readonly dimensions: number;
  readonly promised: number;
  /** Bytes of that line. */
  readonly headerBytes: number;
  readonly repeated: RepeatedWords;
}

/** Bytes of the longest word. */
const LONGEST_WORD = 65_536;

const SPACE = 0x20;
const NEWLINE = 0x0a;

/**
 * The vectors of a binary file of word2vec: of each word its bytes, a space and float32 numbers, the lowest byte first. A
 * line may end after them, as the tool itself ends them, or not.
 * @throws VECTORS_FILE_INVALID naming the byte
 */
export async function* binaryVectors(layout: BinaryLayout): AsyncGenerator<VectorChunk> {
  const { path, dimensions, promised, headerBytes, repeated } = layout;
  const vectorBytes = dimensions * Float32Array.BYTES_PER_ELEMENT;
  /** Place in the file of the first byte of `bytes`. */
  let position = headerBytes;
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  const refuse = (reason: string, byte = position + at) =>
    new RingmasterError('VECTORS_FILE_INVALID', { path, place: `byte ${byte}`, reason });
  const builder = new ChunkBuilder(dimensions, repeated, refuse);
  for await (const piece of piecesOf(path, headerBytes)) {
    bytes = Buffer.concat([bytes.subarray(at), piece]);
    position += at;
    at = 0;
    for (;;) {
      while (bytes[at] === NEWLINE) at++;
      if (builder.length === promised) {
        if (at < bytes.length)
          throw refuse(`the first line promises ${promised} words, and there is more after them`);
        break;
      }
      const space = bytes.indexOf(SPACE, at);
      const length = (space < 0 ? bytes.length : space) - at;
      if (length > LONGEST_WORD) throw refuse(`a word has more than ${LONGEST_WORD} bytes`);
      if (space < 0 || space + 1 + vectorBytes > bytes.length) break;
      const word = textOf(bytes.subarray(at, space));
      if (word === null) throw refuse(`word ${builder.length + 1} is not UTF-8`);
      const vector = builder.add(word);
      for (let index = 0; index < dimensions; index++) {
        const byte = space + 1 + index * Float32Array.BYTES_PER_ELEMENT;
        const value = bytes.readFloatLE(byte);
        if (!Number.isFinite(value))
          throw refuse(`number ${index + 1} of '${word}' is ${value}`, position + byte);
        vector[index] = value;
      }
      at = space + 1 + vectorBytes;
      if (builder.isFull) yield builder.take();
    }
  }
  if (builder.length < promised) {
    at = bytes.length;
    throw refuse(
      `the file ends here after ${builder.length} whole words, and its first line promises ${promised}`,
    );
  }
  yield builder.take();
}
