import { gitLfsPointer } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { binaryVectors } from './binary-file.js';
import { headOf, LONGEST_LINE, textOf } from './bytes.js';
import { fieldsOf, numberOf, textVectors } from './text-file.js';
import { MOST_DIMENSIONS, MOST_WORDS, RepeatedWords, type VectorTable } from './vector-table.js';

/**
 * A file of word vectors: word2vec's, text or binary (Mikolov et al., 2013), or GloVe's (Pennington et al., 2014). Which it is
 * is told by its beginning. Vectors are read when they are gone through.
 * @throws VECTORS_FILE_UNREADABLE, VECTORS_FILE_INVALID
 */
export async function openVectors(path: string): Promise<VectorTable> {
  const { head, size } = await headOf(path);
  const stranger = strangerOf(head);
  if (stranger !== null)
    throw new RingmasterError(
      'VECTORS_FILE_UNREADABLE',
      { path, reason: stranger.reason },
      stranger,
    );
  const end = head.indexOf(0x0a);
  const header = headerOf(head.subarray(0, Math.max(0, end)).toString('latin1'));
  const isBinary = header !== null && !isText(head.subarray(end + 1), header.dimensions);
  const repeated = new RepeatedWords();
  const notices = () => repeated.notices();
  if (header === null || (!isBinary && isVectorToo(head.subarray(end + 1), header.dimensions))) {
    const dimensions = dimensionsIn(path, head, size);
    const layout = { path, dimensions, promised: null, repeated };
    return { name: path, dimensions, length: null, chunks: () => textVectors(layout), notices };
  }
  const { words: promised, dimensions } = header;
  checkHeader(path, promised, dimensions);
  const known = { name: path, dimensions, length: null, notices };
  const text = { path, dimensions, promised, repeated };
  if (!isBinary) return { ...known, chunks: () => textVectors(text) };
  const layout = { ...text, headerBytes: end + 1 };
  const least = end + 1 + promised * (2 + dimensions * Float32Array.BYTES_PER_ELEMENT);
  if (size < least) {
    const reason = `the file ends here, and ${promised} words of ${dimensions} numbers have at least ${least} bytes`;
    throw new RingmasterError('VECTORS_FILE_INVALID', { path, place: `byte ${size}`, reason });
  }
  return { ...known, chunks: () => binaryVectors(layout) };
}

/** Why a file is none of vectors, where its first bytes are those of something else. */
function strangerOf(head: Buffer): { reason: string; remedy?: string } | null {
  const pointer = gitLfsPointer(head.subarray(0, 64).toString('latin1'));
  if (pointer !== null) return pointer;
  if (head.length === 0) return { reason: 'it is empty' };
  if (head[0] === 0x1f && head[1] === 0x8b)
    return { reason: 'it is packed by gzip', remedy: 'Unpack it with: gunzip -k FILE' };
  if (head.subarray(0, 4).equals(Buffer.from('PK\x03\x04')))
    return { reason: 'it is packed by zip', remedy: 'Unpack it with: unzip FILE' };
  if (head[0] === 0x80 && (head[1] ?? 0) <= 5)
    return {
      reason: "it is a pickle, such as gensim's own format",
      remedy: 'Write it from Python with: vectors.save_word2vec_format(PATH, binary=True)',
    };
  return null;
}

/** The number of words and of dimensions in the first line of word2vec's files; null for any other line. */
function headerOf(line: string): { words: number; dimensions: number } | null {
  const found = /^(?:\u00ef\u00bb\u00bf)?(\d{1,15}) (\d{1,15})\s*$/.exec(line);
  return found === null ? null : { words: Number(found[1]), dimensions: Number(found[2]) };
}

/** @throws VECTORS_FILE_INVALID */
function checkHeader(path: string, words: number, dimensions: number): void {
  const reason =
    dimensions < 1 || dimensions > MOST_DIMENSIONS
      ? `it promises words of ${dimensions} numbers, which is not between 1 and ${MOST_DIMENSIONS}`
      : words > MOST_WORDS
        ? `it promises ${words} words, which is more than ${MOST_WORDS}`
        : null;
  if (reason !== null)
    throw new RingmasterError('VECTORS_FILE_INVALID', { path, place: 'line 1', reason });
}

/** Whether what follows a header is text: its first line is a word with numbers, or it has no byte that texts lack. */
function isText(body: Buffer, dimensions: number): boolean {
  const line = firstLine(body);
  if (line !== null && isVector(line, dimensions)) return true;
  const hasControls = body.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0d].includes(byte));
  // The last character may be cut; any other that is none makes it binary.
  return !hasControls && textOf(body.subarray(0, Math.max(0, body.length - 4))) !== null;
}

/** Whether two numbers that look like a header are a word of one number: the next line is one too. */
function isVectorToo(body: Buffer, dimensions: number): boolean {
  const line = firstLine(body);
  return dimensions !== 1 && line !== null && isVector(line, 1) && fieldsOf(line).length === 2;
}

function firstLine(body: Buffer): string | null {
  const end = body.indexOf(0x0a);
  const line = textOf(body.subarray(0, end < 0 ? body.length : end));
  return line === null || line === '' ? null : line.replace(/\r$/, '');
}

function isVector(line: string, dimensions: number): boolean {
  const fields = fieldsOf(line);
  return (
    fields.length > dimensions && fields.slice(-dimensions).every((each) => numberOf(each) !== null)
  );
}

/**
 * The dimensions of a file without a header: one less than most of its first lines have fields.
 * @throws VECTORS_FILE_INVALID
 */
function dimensionsIn(path: string, head: Buffer, size: number): number {
  const invalid = (reason: string) =>
    new RingmasterError('VECTORS_FILE_INVALID', { path, place: 'line 1', reason });
  const isWhole = head.length === size;
  const last = isWhole ? head.length : head.lastIndexOf(0x0a) + 1;
  if (last === 0) throw invalid(`it has more than ${LONGEST_LINE} bytes`);
  const numbers = new Map<number, number>();
  for (const line of head.subarray(0, last).toString('latin1').split('\n')) {
    if (line === '') continue;
    const dimensions = fieldsOf(line.replace(/\r$/, '')).length - 1;
    numbers.set(dimensions, (numbers.get(dimensions) ?? 0) + 1);
  }
  const [[dimensions] = [0]] = [...numbers].sort(([a, m], [b, n]) => n - m || a - b);
  if (dimensions < 1) throw invalid('it is no word with numbers, separated by spaces');
  if (dimensions > MOST_DIMENSIONS)
    throw invalid(`it has ${dimensions} numbers, and a word has at most ${MOST_DIMENSIONS}`);
  return dimensions;
}
