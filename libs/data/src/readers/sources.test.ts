import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { temporaryDirectory } from '@ringmaster/testing';
import { pack } from 'tar-stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Columns, ReadOptions } from '../document.js';
import { ColumnFaults } from '../prepare/faults.js';
import { openFiles } from './source.js';

const directory = temporaryDirectory();
function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function read(paths: string | readonly string[], options: ReadOptions = {}) {
  const rows: (Columns & { readonly line: number })[] = [];
  const faults = new ColumnFaults();
  const patterns = typeof paths === 'string' ? [paths] : paths;
  for await (const { line, columns, faults: found } of await openFiles(patterns, options)) {
    faults.add(found);
    rows.push({ line, ...columns });
  }
  faults.judge();
  return rows;
}

const textsOf = async (paths: string | readonly string[], options?: ReadOptions) =>
  (await read(paths, options)).map(({ text }) => text);

async function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name }, Buffer.from(content));
  archive.entry({ name: 'folder/', type: 'directory' });
  archive.entry({ name: 'link.txt', type: 'symlink', linkname: 'a.txt' });
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('packed files', () => {
  const zstd = readFileSync(
    fileURLToPath(new URL('../../fixtures/frames.txt.zst', import.meta.url)),
  );

  it('of zstd are read, of several frames too', async () => {
    const lines = await textsOf(write('frames.txt.zst', zstd), { format: 'lines' });
    expect(lines).toHaveLength(5001);
    expect([lines[0], lines[4999], lines[5000]]).toEqual(['one', 'one', 'two']);
  });

  it('of zstd that are cut are refused by name, wherever that is but between two frames', async () => {
    const frame = zstd.indexOf(zstd.subarray(0, 4), 4);
    for (let length = 5; length < zstd.length - 4; length++) {
      if (length === frame) continue;
      await expect(read(write('cut.txt.zst', zstd.subarray(0, length)))).rejects.toMatchObject({
        code: 'DATA_FILE_UNREADABLE',
        detail: { path: join(directory, 'cut.txt.zst') },
      });
    }
  });

  it('of gzip may have several members', async () => {
    const members = Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]);
    expect(await textsOf(write('members.txt.gz', members), { format: 'lines' })).toEqual([
      'one',
      'two',
    ]);
  });
});

const values = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });

describe('JSON', () => {
  it('arrays give their objects, however they are written and wherever windows end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), values), { maxLength: 6 }),
        fc.constantFrom(undefined, 1, '\t'),
        fc.constantFrom('', ' \n', '\ufeff'),
        async (documents, indent, before) => {
          const array = documents.map(([text, more]) => ({ ...more, text }));
          const path = write('any.json', before + JSON.stringify(array, null, indent) + '\n');
          const found = await read(path);
          const expected = documents.map(([text]) => text);
          expect(found.map(({ text }) => text)).toEqual(expected);
          if (indent === undefined && before === '')
            expect(found.every(({ line }) => line === 1)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('names the line that an element begins with', async () => {
    const path = write('lines.json', '[\n {"text": "a"},\n {"text":\n "b"}\n, {"text": "c"}]');
    expect((await read(path)).map(({ line }) => line)).toEqual([2, 3, 5]);
  });

  it('files without an array have an object a line', async () => {
    const path = write('lines.json', '\n{"text": "a"}\n{"text": "b"}\n');
    expect(await read(path)).toEqual([
      { line: 2, text: 'a' },
      { line: 3, text: 'b' },
    ]);
  });

  it.each([
    ['[{"text": "a"}', 'the array does not end'],
    ['[{"text": "a"} {"text": "b"}]', 'a comma is missing between two elements'],
    ['[{"text": "a"},]', 'an element is missing behind a comma'],
    ['[,{"text": "a"}]', 'a comma follows no element'],
    ['["a"]', 'an element is not a JSON object'],
    ['[{"text": "a"}] []', 'something follows the array'],
  ])('%s is refused: %s', async (json, reason) => {
    await expect(read(write('bad.json', json))).rejects.toMatchObject({
      code: 'DATA_LINE_INVALID',
      detail: { line: 1, reason },
    });
  });
});

describe('tabs', () => {
  it('part columns in which a quotation mark is a character like others', async () => {
    const path = write('quotes.tsv', 'text\tlabel\r\n"a\t1\r\nb" c\t2\r\n');
    expect(await read(path, { format: 'tsv' })).toEqual([
      { line: 2, text: '"a', class: '1' },
      { line: 3, text: 'b" c', class: '2' },
    ]);
    await expect(
      read(write('short.tsv', 'text\tlabel\na\n'), { format: 'tsv' }),
    ).rejects.toMatchObject({ code: 'DATA_LINE_INVALID', detail: { line: 2 } });
  });
});

describe('archives', () => {
  it('are read file by file, each by its extension, and packed in any way', async () => {
    const files = {
      './a.txt': 'whole\nfile',
      'b/c.jsonl': '{"text": "one"}\n{"text": "two"}\n',
      'b/d.txt.gz': gzipSync('packed'),
      '.hidden/e.txt': 'hidden',
      'b/._f.txt': 'hidden',
    };
    const tar = await tarOf(files);
    const expected = ['whole\nfile', 'one', 'two', 'packed'];
    for (const [name, bytes] of [
      ['x.tar', tar],
      ['x.tar.gz', gzipSync(tar)],
      ['x.tgz', gzipSync(tar)],
    ] as const)
      expect(await textsOf(write(name, bytes))).toEqual(expected);
  });

  it('give back what was put in, whatever lengths it has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 2000 }), { maxLength: 8 }),
        async (texts) => {
          const files = Object.fromEntries(texts.map((text, at) => [`${at}.txt`, text]));
          expect(await textsOf(write('any.tar', await tarOf(files)))).toEqual(texts);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('name the file in them that is at fault', async () => {
    const bad = write('bad.tar', await tarOf({ 'a/b.jsonl': '{"text": "one"}\nno\n' }));
    await expect(read(bad)).rejects.toMatchObject({
      code: 'DATA_LINE_INVALID',
      detail: { path: `${bad}/a/b.jsonl`, line: 2 },
    });
    const unknown = write('unknown.tar', await tarOf({ 'a/b.xyz': 'text' }));
    await expect(read(unknown)).rejects.toMatchObject({
      code: 'DATA_FORMAT_UNKNOWN',
      detail: { path: `${unknown}/a/b.xyz` },
    });
    expect(await textsOf(unknown, { format: 'text' })).toEqual(['text']);
  });

  it('that are cut are refused by name', async () => {
    const tar = await tarOf({ 'a.txt': 'x'.repeat(5000) });
    for (const length of [100, 700, 3000])
      await expect(read(write('cut.tar', tar.subarray(0, length)))).rejects.toMatchObject({
        code: 'DATA_FILE_UNREADABLE',
      });
  });
});

describe('folders', () => {
  it('name the classes of their files, in archives too', async () => {
    const files = { 'pos/1.txt': 'good', 'neg/1.txt': 'bad' };
    for (const [name, content] of Object.entries(files)) write(`reviews/${name}`, content);
    const archive = write('reviews.tar', await tarOf(files));
    const classes = async (path: string) =>
      (await read(path, { labels: 'folder' })).map(({ text, class: label }) => [text, label]);
    const expected = [
      ['bad', 'neg'],
      ['good', 'pos'],
    ];
    expect(await classes(join(directory, 'reviews'))).toEqual(expected);
    expect((await classes(archive)).sort()).toEqual(expected);
  });

  it('are read but for what a pattern leaves out', async () => {
    for (const name of ['a.txt', 'b.txt', 'sub/c.txt']) write(`some/${name}`, name);
    const some = join(directory, 'some');
    expect(await textsOf([some, `!${some}/sub/**`])).toEqual(['a.txt', 'b.txt']);
    expect(await textsOf([`${some}/**`, `!${some}/**/b.*`])).toEqual(['a.txt', 'sub/c.txt']);
    await expect(read([`!${some}/**`])).rejects.toMatchObject({ code: 'DATA_NO_FILES' });
  });

  it('have files that begin with an exclamation mark', async () => {
    const path = write('odd/!a.txt', 'odd');
    expect(await textsOf(path)).toEqual(['odd']);
  });
});
