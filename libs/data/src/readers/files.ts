import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import { glob } from 'tinyglobby';
import type { SourceFile } from '../document.js';
import { requireWithin, type Roots } from './roots.js';

/**
 * Files that match the patterns, in code-unit order of their names; a pattern that is a file's path means that file,
 * and one that is a directory's all files under it.
 * @param roots Directories that they must lie in.
 * @throws DATA_PATH_REFUSED; DATA_NO_FILES when one pattern matches nothing; DATA_FILE_UNREADABLE; DATA_FILE_EMPTY.
 */
export async function findFiles(
  patterns: readonly string[],
  roots: Roots = null,
): Promise<readonly SourceFile[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    requireWithin(pattern, roots);
    const literal = statSync(pattern, { throwIfNoEntry: false })?.isFile() === true;
    const found = literal ? [pattern] : await glob(pattern, { absolute: true, dot: true });
    if (found.length === 0) throw new RingmasterError('DATA_NO_FILES', { patterns: pattern });
    for (const path of found) paths.add(resolve(path));
  }
  for (const path of paths) requireWithin(path, roots);
  const root = commonDirectory([...paths]);
  const files = [...paths].map((path) => {
    const bytes = readBytes(path);
    if (bytes.length === 0) throw new RingmasterError('DATA_FILE_EMPTY', { path });
    const name = relative(root, path).split(sep).join('/');
    return { name, path, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function commonDirectory(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => dirname(path).split(sep));
  let depth = first.length;
  for (const parts of others) {
    let shared = 0;
    while (shared < depth && parts[shared] === first[shared]) shared++;
    depth = shared;
  }
  return first.slice(0, depth).join(sep) || sep;
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('DATA_FILE_UNREADABLE', { path, reason }, { cause });
  }
}

/**
 * The content of a source file, unpacked when it is gzip.
 * @throws DATA_FILE_UNREADABLE; DATA_FILE_CHANGED when it is no longer what was hashed.
 */
export function readContent(file: SourceFile): Buffer {
  const bytes = readBytes(file.path);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256)
    throw new RingmasterError('DATA_FILE_CHANGED', { path: file.path });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('DATA_FILE_UNREADABLE', { path: file.path, reason }, { cause });
  }
}

/**
 * Checks that a content is UTF-8 text, and leaves out its byte-order mark.
 * @throws DATA_NOT_TEXT
 */
export function textBytes(path: string, content: Buffer): Buffer {
  const fail = (reason: string) => new RingmasterError('DATA_NOT_TEXT', { path, reason });
  if ((content[0] === 0xff && content[1] === 0xfe) || (content[0] === 0xfe && content[1] === 0xff))
    throw fail('it begins with the byte-order mark of UTF-16');
  const zero = content.indexOf(0);
  if (zero >= 0) throw fail(`byte ${zero} is zero, so it is a binary file`);
  if (!isUtf8(content)) throw fail('it has bytes that no character is encoded as');
  const marked = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf;
  return marked ? content.subarray(3) : content;
}
