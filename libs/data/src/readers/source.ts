import { cleaningSteps, type CleaningStep } from '@ringmaster/protocol';
import { MARKUP, PLAIN } from '../clean/clean.js';
import type { FileReading, ReadOptions, Source } from '../document.js';
import { wantedColumns } from './columns.js';
import type { Remote } from '../remote/remote.js';
import { findFiles } from './files.js';
import { formatNamedBy, formatOf, isArchive, lineFormats } from './formats.js';
import { readDocuments } from './read.js';
import type { Roots } from './roots.js';

/**
 * The documents of all files that match. Files are read anew on each iteration and checked against the hash taken here.
 * @param roots Directories that the files must lie in.
 * @param remote Fetches those that lie on other machines.
 * @throws DATA_PATH_REFUSED, DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN and DATA_FILE_UNREADABLE here; while
 *   iterating what `readDocuments` throws.
 */
export async function openFiles(
  patterns: readonly string[],
  options: ReadOptions,
  roots: Roots = null,
  remote: Remote | null = null,
): Promise<Source> {
  const { labels, format: given } = options;
  const how = (path: string) =>
    isArchive(path)
      ? ({ format: 'tar', entries: given } as const)
      : { format: given ?? formatOf(path) };
  const hasLines = (path: string) =>
    !isArchive(path) && lineFormats.has(given ?? formatNamedBy(path));
  const { files, notices } = await findFiles(patterns, roots, hasLines, remote);
  const columns = wantedColumns(options);
  const readings = files.map((file): FileReading => ({
    file,
    ...how(file.path),
    columns,
    labels,
  }));
  const isMarkedUp = readings.some(({ format, entries }) =>
    ['mbox', 'html'].includes(entries ?? format),
  );
  // Marked-up text carries residue that plain text does not.
  const cleaning = cleaningSteps(options.cleaning, isMarkedUp ? MARKUP : PLAIN);
  return toSource(readings, cleaning, notices);
}

/** The documents of files, one file after another. */
export function toSource(
  readings: readonly FileReading[],
  cleaning: readonly CleaningStep[],
  notices: readonly string[],
): Source {
  return {
    files: readings.map(({ file }) => file),
    readings,
    cleaning,
    notices,
    async *[Symbol.asyncIterator]() {
      for (const reading of readings) yield* readDocuments(reading);
    },
  };
}
