import { RingmasterError, type DataSection } from '@ringmaster/protocol';
import type { Document, FileRecord, Source, SourceFile } from '../document.js';
import { findFiles, readContent } from './files.js';
import { formatOf, readers } from './formats.js';

/** How files of a job are read: the keys of its `data` section that apply to every split. */
export type ReadOptions = Pick<DataSection, 'format' | 'text' | 'label'>;

/**
 * The documents of all files that match. Files are read anew on each iteration and checked against the hash taken here.
 * @throws DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN and DATA_FILE_UNREADABLE here; while iterating also
 *   DATA_NOT_TEXT, DATA_LINE_INVALID, DATA_COLUMN_MISSING and DATA_FILE_CHANGED.
 */
export async function openFiles(
  patterns: readonly string[],
  options: ReadOptions,
): Promise<Source> {
  const files = await findFiles(patterns);
  const formats = files.map((file) => options.format ?? formatOf(file.path));
  return {
    files,
    markup: formats.some((format) => format === 'mbox' || format === 'html'),
    async *[Symbol.asyncIterator]() {
      for (const [index, file] of files.entries()) {
        const format = formats[index] ?? 'text';
        let number = 0;
        for await (const record of readers[format](file.path, readContent(file)))
          yield toDocument(file, number++, record, options);
      }
    },
  };
}

function toDocument(
  file: SourceFile,
  number: number,
  { line, fields }: FileRecord,
  options: ReadOptions,
): Document {
  const column = (name: string): string | null => {
    const value = Object.hasOwn(fields, name) ? fields[name] : null;
    if (typeof value === 'string' || value === null) return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    const reason = `the column '${name}' is neither text nor a number`;
    throw new RingmasterError('DATA_LINE_INVALID', { path: file.path, line, reason });
  };
  const required = (name: string): string => {
    const value = column(name);
    if (value !== null) return value;
    const columns = Object.keys(fields).join(', ') || 'none';
    throw new RingmasterError('DATA_COLUMN_MISSING', {
      path: file.path,
      line,
      column: name,
      columns,
    });
  };
  return {
    id: `${file.name}#${number}`,
    text: required(options.text ?? 'text'),
    label: options.label === undefined ? column('label') : required(options.label),
  };
}
