import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { temporaryDirectory } from '@ringmaster/testing';
import {
  RecordBatchStreamWriter,
  Schema,
  tableToIPC,
  tableFromArrays,
  Table,
  vectorFromArray,
  Int64,
  Utf8,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Columns, ReadOptions } from '../document.js';
import { ColumnFaults } from '../prepare/faults.js';
import { openFiles } from './source.js';

const directory = temporaryDirectory();
/** Files that pyarrow wrote; `libs/data/fixtures/make.py` says how. */
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

function write(name: string, content: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, options: ReadOptions = {}): Promise<Columns[]> {
  const rows: Columns[] = [];
  const faults = new ColumnFaults();
  for await (const { columns, faults: found } of await openFiles([path], options)) {
    faults.add(found);
    rows.push(columns);
  }
  faults.judge();
  return rows;
}

const ROWS = [
  { text: 'a good film', class: 'pos' },
  { text: 'naïve 漢字 \u{1f600}', class: 'neg' },
  { text: '', class: null },
];

describe('Parquet', () => {
  it.each(['none', 'snappy', 'gzip', 'brotli', 'zstd'])(
    'packed by %s is read, and a class has the name that datasets notes',
    async (packing) => {
      expect(await read(fixture(`${packing}.parquet`))).toEqual(ROWS);
    },
  );

  it('is read by groups of rows, whose lines are their numbers', async () => {
    const lines: number[] = [];
    for await (const { line } of await openFiles([fixture('groups.parquet')], {})) lines.push(line);
    expect(lines).toEqual([1, 2, 3, 4, 5]);
  });

  it('has lists, objects and numbers', async () => {
    const needs = { words: 'required', tags: 'required', answers: 'required' } as const;
    expect(await read(fixture('nested.parquet'), { needs, columns: { tags: 'ner' } })).toEqual([
      { words: ['Ada', 'runs'], tags: ['B-PER', 'O'], answers: [{ start: 0, text: 'Ada' }] },
    ]);
  });

  it('that is none, is cut or has a column less names the file', async () => {
    const bytes = readFileSync(fixture('snappy.parquet'));
    for (const damaged of [bytes.subarray(0, 60), Buffer.from('PAR1 and no more PAR1')])
      await expect(read(write('cut.parquet', damaged))).rejects.toMatchObject({
        code: 'DATA_FILE_INVALID',
        message: expect.stringContaining('cut.parquet cannot be read as parquet') as string,
      });
    await expect(
      read(fixture('snappy.parquet'), { columns: { text: 'body' } }),
    ).rejects.toMatchObject({ code: 'DATA_COLUMN_MISSING', detail: { line: 1, documents: 3 } });
  });

  it('with any byte changed is read or refused by name', async () => {
    const bytes = readFileSync(fixture('snappy.parquet'));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ by;
          const path = write('changed.parquet', changed);
          try {
            await read(path);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^DATA_/);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('with a text that is not in UTF-8 is refused', async () => {
    await expect(read(fixture('latin1.parquet'))).rejects.toMatchObject({
      code: 'DATA_FILE_INVALID',
      detail: { reason: 'rows 1 to 1: a text is not in UTF-8' },
    });
  });
});

const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), {
  minLength: 1,
  maxLength: 12,
});

describe('Arrow', () => {
  it('gives back what was written, in any batches, packed or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(texts, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (batches, isPacked) => {
          const tables = batches.map(
            (text) =>
              new Table({
                text: vectorFromArray(text, new Utf8()),
                value: vectorFromArray(Float64Array.from(text, (_, at) => at / 2)),
              }),
          );
          const writer = new RecordBatchStreamWriter();
          for (const table of tables) for (const batch of table.batches) writer.write(batch);
          writer.finish();
          const bytes = writer.toUint8Array(true);
          const path = write(
            `any.arrow${isPacked ? '.gz' : ''}`,
            isPacked ? gzipSync(bytes) : bytes,
          );
          const rows = await read(path, { needs: { text: 'required', value: 'required' } });
          const expected = batches.flatMap((text) =>
            text.map((each, at) => ({ text: each, value: at / 2 })),
          );
          expect(rows).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each(['file', 'stream'])('of pyarrow is read: %s', async (name) => {
    expect(await read(fixture(`${name}.arrow`))).toEqual(ROWS);
  });

  it('has classes by the names that datasets notes, and integers of 64 bits', async () => {
    const label = vectorFromArray([0n, 1n, -1n], new Int64());
    const text = vectorFromArray(ROWS.map((row) => row.text));
    const plain = new Table({ text, label });
    const features = { label: { names: ['pos', 'neg'], _type: 'ClassLabel' } };
    const note = JSON.stringify({ info: { features } });
    const schema = new Schema(plain.schema.fields, new Map([['huggingface', note]]));
    const path = write('classes.arrow', tableToIPC(new Table(schema, plain.batches), 'stream'));
    expect(await read(path)).toEqual(ROWS);
  });

  it('that is cut or is none names the file and the row before', async () => {
    const table = tableFromArrays({ text: ['one', 'two'] });
    const path = write('cut.arrow', tableToIPC(table, 'stream'));
    truncateSync(path, 300);
    await expect(read(path)).rejects.toMatchObject({
      code: 'DATA_FILE_INVALID',
      message: expect.stringContaining('cut.arrow cannot be read as arrow: behind row') as string,
    });
    await expect(
      read(write('none.arrow', Buffer.from('no arrow at all, is it'))),
    ).rejects.toMatchObject({ code: 'DATA_FILE_INVALID' });
  });
});
