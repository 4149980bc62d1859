import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';

/** The lines of UTF-8 bytes with their numbers from 1, without ends; blank ones are left out. */
function* numberedLines(content: Buffer): Generator<{ line: number; text: string }> {
  let line = 0;
  for (let start = 0; start < content.length;) {
    let end = content.indexOf(0x0a, start);
    if (end < 0) end = content.length;
    const text = content.toString('utf8', start, content[end - 1] === 0x0d ? end - 1 : end);
    line++;
    if (text.trim() !== '') yield { line, text };
    start = end + 1;
  }
}

/** One document a line. */
export function* readLines(_path: string, content: Buffer): Generator<FileRecord> {
  for (const { line, text } of numberedLines(content)) yield { line, fields: { text } };
}

/** One JSON object a line. */
export function* readJsonLines(path: string, content: Buffer): Generator<FileRecord> {
  for (const { line, text } of numberedLines(content)) {
    const fail = (reason: string, cause?: unknown) =>
      new RingmasterError('DATA_LINE_INVALID', { path, line, reason }, { cause });
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw fail(cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (!isObject(value)) throw fail('it is not a JSON object');
    yield { line, fields: value };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
