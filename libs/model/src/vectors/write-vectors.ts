import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, lstat, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileReason, isDiskFull, systemCode } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import type { VectorTable } from './vector-table.js';

/** Forms of files of vectors: word2vec's, which have a header, and GloVe's, which have none. */
export const vectorForms = ['word2vec', 'word2vec-binary', 'glove'] as const;
export type VectorForm = (typeof vectorForms)[number];

/**
 * Writes a table into a new file, which appears when it is whole. Numbers of text have as many digits as bring the same
 * float32 back.
 * @returns How many words it has.
 * @throws VECTORS_FILE_EXISTS, VECTORS_WORD_UNWRITABLE, DIRECTORY_NOT_WRITABLE, DISK_FULL; what reading the table throws
 */
export async function writeVectors(
  path: string,
  table: VectorTable,
  form: VectorForm,
): Promise<number> {
  if (await exists(path)) throw new RingmasterError('VECTORS_FILE_EXISTS', { path });
  const length = form === 'glove' ? null : (table.length ?? (await lengthOf(table)));
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const header = length === null ? '' : `${length} ${table.dimensions}\n`;
    let words = 0;
    const counting = async function* () {
      yield header;
      for await (const bytes of encoded(table, form)) {
        words++;
        yield bytes;
      }
    };
    try {
      await pipeline(counting, createWriteStream(temporary, { flags: 'wx' }));
      // Unlike a rename, a link takes no other file's place.
      await link(temporary, path);
      return words;
    } finally {
      await rm(temporary, { force: true });
    }
  } catch (cause) {
    throw explained(path, cause);
  }
}

function explained(path: string, cause: unknown): unknown {
  if (cause instanceof RingmasterError || systemCode(cause) === null) return cause;
  if (isDiskFull(cause)) return new RingmasterError('DISK_FULL', { path }, { cause });
  if (systemCode(cause) === 'EEXIST')
    return new RingmasterError('VECTORS_FILE_EXISTS', { path }, { cause });
  const reason = fileReason(cause);
  return reason === null
    ? cause
    : new RingmasterError('DIRECTORY_NOT_WRITABLE', { path, reason }, { cause });
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

async function lengthOf(table: VectorTable): Promise<number> {
  let length = 0;
  for await (const { words } of table.chunks()) length += words.length;
  return length;
}

/** A word after the other, as the form has it. @throws VECTORS_WORD_UNWRITABLE */
async function* encoded(table: VectorTable, form: VectorForm): AsyncGenerator<string | Buffer> {
  const encode = form === 'word2vec-binary' ? binaryOf : textLineOf;
  for await (const { words, values } of table.chunks())
    for (const [index, word] of words.entries()) {
      checkWord(word, form);
      const start = index * table.dimensions;
      yield encode(word, values.subarray(start, start + table.dimensions));
    }
}

/** @throws VECTORS_WORD_UNWRITABLE */
function checkWord(word: string, form: VectorForm): void {
  const reason = word.includes('\n')
    ? 'it holds the end of a line'
    : form !== 'glove' && word.includes(' ')
      ? 'it holds a space, at which a word ends there'
      : null;
  if (reason !== null) throw new RingmasterError('VECTORS_WORD_UNWRITABLE', { word, form, reason });
}

function binaryOf(word: string, vector: Float32Array): Buffer {
  const text = Buffer.from(`${word} `);
  const bytes = Buffer.alloc(text.length + vector.byteLength + 1);
  text.copy(bytes);
  vector.forEach((value, index) =>
    bytes.writeFloatLE(value, text.length + index * Float32Array.BYTES_PER_ELEMENT),
  );
  bytes[bytes.length - 1] = 0x0a;
  return bytes;
}

function textLineOf(word: string, vector: Float32Array): string {
  return `${word} ${Array.from(vector, shortest).join(' ')}\n`;
}

/** The shortest decimal of at least six digits that is this float32 again. */
function shortest(value: number): string {
  if (Object.is(value, -0)) return '-0';
  for (const digits of [6, 7, 8]) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return String(decimal);
  }
  return String(Number(value.toPrecision(9)));
}
