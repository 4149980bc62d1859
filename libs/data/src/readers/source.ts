import type { DataSection } from '@ringmaster/protocol';
import type { FileReading, Source } from '../document.js';
import { findFiles } from './files.js';
import { formatOf } from './formats.js';
import { readDocuments } from './read.js';
import type { Roots } from './roots.js';

/** How files of a job are read: the keys of its `data` section that apply to every split. */
export type ReadOptions = Pick<DataSection, 'format' | 'text' | 'label'>;

/**
 * The documents of all files that match. Files are read anew on each iteration and checked against the hash taken here.
 * @param roots Directories that the files must lie in.
 * @throws DATA_PATH_REFUSED, DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN and DATA_FILE_UNREADABLE here; while
 *   iterating also DATA_NOT_TEXT, DATA_DOCUMENT_TOO_LARGE, DATA_LINE_INVALID, DATA_COLUMN_MISSING and DATA_FILE_CHANGED.
 */
export async function openFiles(
  patterns: readonly string[],
  options: ReadOptions,
  roots: Roots = null,
): Promise<Source> {
  const { files, notices } = await findFiles(patterns, roots);
  const readings = files.map((file): FileReading => {
    const { format = formatOf(file.path), text, label } = options;
    return { file, format, text, label };
  });
  const markup = readings.some(({ format }) => format === 'mbox' || format === 'html');
  return toSource(readings, markup, notices);
}

/** The documents of files, one file after another. */
export function toSource(
  readings: readonly FileReading[],
  markup: boolean,
  notices: readonly string[],
): Source {
  return {
    files: readings.map(({ file }) => file),
    readings,
    markup,
    notices,
    async *[Symbol.asyncIterator]() {
      for (const reading of readings) yield* readDocuments(reading);
    },
  };
}
