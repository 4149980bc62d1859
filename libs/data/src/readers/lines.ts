import { RingmasterError } from '@ringmaster/protocol';
import type { FileRecord } from '../document.js';
import type { Bytes } from '../text/encoding.js';
import { textLines, tooLong } from '../text/lines.js';
import { parseJson } from './json.js';

/**
 * The lines of a file, blank ones too.
 * @param first Number of the line that the content begins with.
 * @throws DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE
 */
export async function* fileLines(path: string, content: Bytes, first = 1) {
  for await (const found of textLines(content, undefined, first)) {
    if ('fault' in found) throw faultOf(path, found.line, found.fault);
    yield found;
  }
}

function faultOf(path: string, line: number, fault: string): RingmasterError {
  if (fault === tooLong) return new RingmasterError('DATA_DOCUMENT_TOO_LARGE', { path, line });
  return new RingmasterError('DATA_NOT_TEXT', { path, reason: `line ${line}, ${fault}` });
}

/** One document a line. */
export async function* readLines(
  path: string,
  content: Bytes,
  first?: number,
): AsyncGenerator<FileRecord> {
  for await (const { line, text } of fileLines(path, content, first))
    if (text.trim() !== '') yield { line, fields: { text } };
}

/** One JSON object a line. */
export async function* readJsonLines(
  path: string,
  content: Bytes,
  first?: number,
): AsyncGenerator<FileRecord> {
  for await (const { line, text } of fileLines(path, content, first)) {
    if (text.trim() === '') continue;
    yield jsonRecord(path, { line, text }, 'it is not a JSON object');
  }
}

/**
 * The record of a JSON object's text.
 * @param line Where the text begins.
 * @param otherwise What is wrong where it is the text of something else.
 * @throws DATA_LINE_INVALID
 */
export function jsonRecord(
  path: string,
  { line, text }: { readonly line: number; readonly text: string },
  otherwise: string,
): FileRecord {
  const fail = (reason: string, cause?: unknown) =>
    new RingmasterError('DATA_LINE_INVALID', { path, line, reason }, { cause });
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw fail(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!isObject(value)) throw fail(otherwise);
  return { line, fields: value };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
