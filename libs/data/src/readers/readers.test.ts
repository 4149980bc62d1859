import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporaryDirectory } from '@ringmaster/testing';
import type { ErrorCode } from '@ringmaster/protocol';
import { escapePath } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import type { Document, ReadOptions } from '../document.js';
import { ColumnFaults } from '../prepare/faults.js';
import { openFiles } from './source.js';
import { openSpamAssassin } from './spam-assassin.js';

const directory = temporaryDirectory();
function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

interface Row {
  readonly id: string;
  readonly line: number;
  readonly text: string | undefined;
  readonly label: string | null;
}

/** The documents of a source, of which none is at fault. */
async function collect(source: AsyncIterable<Document>): Promise<Row[]> {
  const rows: Row[] = [];
  const faults = new ColumnFaults();
  for await (const { id, line, columns, faults: found } of source) {
    faults.add(found);
    rows.push({ id, line, text: columns.text, label: columns.class ?? null });
  }
  faults.judge();
  return rows;
}

const read = async (path: string, options: ReadOptions = {}): Promise<Row[]> =>
  collect(await openFiles([path], options));

describe('files', () => {
  it('reads a text file as one document, without its byte-order mark', async () => {
    const path = write('a.txt', '\ufeffone\ntwo\n');
    expect(await read(path)).toEqual([{ id: 'a.txt#0', line: 1, text: 'one\ntwo\n', label: null }]);
  });

  it('reads lines, whatever their ends, and packed files like plain ones', async () => {
    const path = write('a.log.gz', gzipSync('one\r\n\ntwo'));
    const documents = await read(path, { format: 'lines' });
    expect(documents.map(({ text }) => text)).toEqual(['one', 'two']);
  });

  it('reads the columns of jsonl and csv', async () => {
    const jsonl = write('a.jsonl', '{"body":"x","stars":5}\n{"body":"y","stars":1}\n');
    const csv = write('a.csv', 'body,stars\n"x, and\nmore",5\n"say ""y""",1\n');
    const tsv = write('a.tsv', 'body\tstars\nx\t5\n');
    const columns = { text: 'body', label: 'stars' };
    expect((await read(jsonl, columns)).map(({ text, label }) => [text, label])).toEqual([
      ['x', '5'],
      ['y', '1'],
    ]);
    expect((await read(csv, columns)).map(({ text, label }) => [text, label])).toEqual([
      ['x, and\nmore', '5'],
      ['say "y"', '1'],
    ]);
    expect(await read(tsv, columns)).toEqual([{ id: 'a.tsv#0', line: 2, text: 'x', label: '5' }]);
  });

  it('takes the text of a page', async () => {
    const html = '<h1>Hi</h1><p>a <b>bold</b> <a href="http://x">link</a></p><img src="y">';
    const [document] = await read(write('a.html', html));
    expect(document?.text).toBe('Hi\n\na bold link');
  });

  it('gives the same documents each time, in the order of the names', async () => {
    write('order-b.txt', 'b');
    write('order-a.txt', 'a');
    const source = await openFiles([join(directory, 'order-*.txt')], {});
    const first = await collect(source);
    expect(first.map(({ id }) => id)).toEqual(['order-a.txt#0', 'order-b.txt#0']);
    expect(await collect(source)).toEqual(first);
  });

  it('takes a path with special characters as it is, and a directory with all that is in it', async () => {
    mkdirSync(join(directory, 'in [brackets]'));
    const path = write('in [brackets]/a (1).txt', 'x');
    expect(await read(path)).toEqual([{ id: 'a (1).txt#0', line: 1, text: 'x', label: null }]);
    mkdirSync(join(directory, 'folder/deep'), { recursive: true });
    write('folder/b.txt', 'b');
    write('folder/deep/a.txt', 'a');
    const ids = (await read(join(directory, 'folder'))).map(({ id }) => id);
    expect(ids).toEqual(['b.txt#0', 'deep/a.txt#0']);
  });

  it.each(['utf16le', 'utf16be'] as const)('reads %s by its mark', async (encoding) => {
    const little = Buffer.from('\ufeffgrün 🎉\r\nzwei', 'utf16le');
    const bytes = encoding === 'utf16le' ? little : Buffer.from(little).swap16();
    const documents = await read(write(`${encoding}.txt`, bytes), { format: 'lines' });
    expect(documents.map(({ text }) => text)).toEqual(['grün 🎉', 'zwei']);
  });

  it('reads the columns of tables with any line end, quoting and mark', async () => {
    const tables = [
      'text,label\r\n"a\r\nb",x\r\nc,y\r\n',
      '\ufefftext , label\r"a\r\nb",x\rc,y',
      'text,label\n"a\r\nb",x\r\n\nc,y\r',
    ];
    for (const [at, table] of tables.entries()) {
      const documents = await read(write(`ends-${at}.csv`, table));
      expect(documents.map(({ text, label }) => [text, label])).toEqual([
        ['a\nb', 'x'],
        ['c', 'y'],
      ]);
    }
    const lines = (await read(write('ends.csv', tables[0] ?? ''))).map(({ line }) => line);
    expect(lines).toEqual([2, 4]);
  });

  it('takes labels without what surrounds them, composed, and none for an empty one', async () => {
    const labels = ['pos', ' pos', 'pos\u00a0', '', '  ', 'e\u0301', 'é', null, 7, true];
    const rows = labels.map((label) => `${JSON.stringify({ text: 'x', label })}\n`).join('');
    const documents = await read(write('labels.jsonl', rows));
    expect(documents.map(({ label }) => label)).toEqual([
      'pos',
      'pos',
      'pos',
      null,
      null,
      'é',
      'é',
      null,
      '7',
      'true',
    ]);
  });

  it('keeps numbers apart that a float64 would merge', async () => {
    const numbers = [
      '9007199254740993',
      '9007199254740992',
      '-12345678901234567890',
      '1e400',
      '1.5',
    ];
    const rows = numbers.map(
      (number) => `{"text": "9007199254740993 \\" 1e999", "label": ${number}}\n`,
    );
    const documents = await read(write('numbers.jsonl', rows.join('')));
    expect(documents.map(({ label }) => label)).toEqual(numbers);
    expect(documents[0]?.text).toBe('9007199254740993 " 1e999');
  });

  it('finds hidden files only where the pattern has the dot, and says what it left out', async () => {
    const folder = join(directory, 'mixed [v2] (copy)');
    mkdirSync(join(folder, '.ipynb_checkpoints'), { recursive: true });
    for (const name of ['a.txt', '._a.txt', '.DS_Store', '.ipynb_checkpoints/a-checkpoint.txt'])
      writeFileSync(join(folder, name), 'x');
    writeFileSync(join(folder, 'job.yaml'), 'kind: pretrain\ndata: { files: . }\n');
    writeFileSync(join(folder, 'job.json'), '{"kind":"finetune","data":{"files":"."}}');
    writeFileSync(join(folder, 'notes.json'), '{"kind":"of","data":1}');
    symlinkSync(join(folder, 'gone'), join(folder, 'b.txt'));
    const { files, notices } = await openFiles([folder], { format: 'text' });
    expect(files.map(({ name }) => name)).toEqual(['a.txt', 'notes.json']);
    expect(notices).toEqual([
      'left out as hidden: .DS_Store, ._a.txt, .ipynb_checkpoints/a-checkpoint.txt',
      'left out as links that lead nowhere: b.txt',
      'left out as job files: job.json, job.yaml',
    ]);
    const escaped = `${escapePath(folder)}/.*.txt`;
    const hidden = await openFiles([escaped], {});
    expect(hidden.files.map(({ name }) => name)).toEqual(['._a.txt']);
    expect(hidden.notices).toEqual([]);
    const named = await openFiles([join(folder, 'job.yaml')], { format: 'text' });
    expect(named.files).toHaveLength(1);
    await expect(openFiles([`${escapePath(folder)}/*Store`], {})).rejects.toThrow(
      'left out as hidden: .DS_Store',
    );
  });

  const failures: readonly (readonly [
    ErrorCode,
    string,
    string | Uint8Array,
    ReadOptions,
    string,
  ])[] = [
    ['DATA_FILE_EMPTY', 'empty.txt', '', {}, 'empty.txt is empty'],
    ['DATA_FORMAT_UNKNOWN', 'a.xyz', 'x', {}, 'a.xyz'],
    [
      'DATA_NOT_TEXT',
      'latin1.txt',
      Buffer.from('caf\xe9', 'latin1'),
      {},
      'byte 3 is of no character',
    ],
    ['DATA_NOT_TEXT', 'binary.txt', Buffer.from([65, 0, 66]), {}, 'byte 1 is zero'],
    ['DATA_NOT_TEXT', 'wide.txt', Buffer.from('xy', 'utf16le'), {}, 'UTF-16 without'],
    ['DATA_NOT_TEXT', 'odd.txt', Buffer.from([0xff, 0xfe, 0x41]), {}, 'byte 0 is of no character'],
    [
      'DATA_NOT_TEXT',
      'late.txt',
      Buffer.from('a\nb\n\xe9\n', 'latin1'),
      { format: 'lines' },
      'line 3',
    ],
    ['DATA_LINE_INVALID', 'twice.csv', 'text,text \nx,1\n', {}, "two columns are called 'text'"],
    ['DATA_FILE_UNREADABLE', 'cut.txt.gz', gzipSync('x'.repeat(99)).subarray(0, 20), {}, 'cut'],
    ['DATA_LINE_INVALID', 'bad.jsonl', '{"text":"a"}\n\n{"text":\n', {}, 'line 3'],
    ['DATA_LINE_INVALID', 'list.jsonl', '[1]\n', {}, 'not a JSON object'],
    [
      'DATA_COLUMN_INVALID',
      'deep.jsonl',
      '{"text":"a"}\n{"text":{}}\n{"text":[]}\n',
      {},
      "line 2: the column 'text' is neither text nor a number; so it is in 2 documents",
    ],
    ['DATA_LINE_INVALID', 'bad.csv', 'text,label\nx,1\ny\n', {}, 'line 3'],
    ['DATA_COLUMN_MISSING', 'a.jsonl', '{"body":"a"}\n', {}, "no column 'text'; it has body"],
    ['DATA_COLUMN_MISSING', 'b.jsonl', '{"text":"a"}\n', { label: 'y' }, "no column 'y'"],
  ];
  it.each(failures)('says %s of %s', async (code, name, content, options, message) => {
    const failure = read(write(name, content), options);
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.toThrow(message);
  });

  it('says which pattern matches nothing', async () => {
    const pattern = join(directory, 'none-*.txt');
    await expect(openFiles([pattern], {})).rejects.toMatchObject({ code: 'DATA_NO_FILES' });
  });

  it.runIf(process.platform === 'linux')(
    'leaves no file open, be it that a document is wrong or that nobody wants the rest',
    async () => {
      const open = (path: string) =>
        readdirSync('/proc/self/fd').filter((descriptor) => {
          try {
            return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
          } catch {
            return false; // That of the directory itself.
          }
        });
      const lines = Buffer.from('{"text": "one"}\n{"text": "two"}\n{"text":\n');
      const paths = [write('left.jsonl', lines), write('left.jsonl.gz', gzipSync(lines))];
      for (const path of paths) {
        const source = await openFiles([path], {});
        for await (const { columns } of source) {
          expect(columns.text).toBe('one');
          break;
        }
        await expect(read(path)).rejects.toMatchObject({ code: 'DATA_LINE_INVALID' });
        expect(open(path)).toEqual([]);
      }
    },
  );

  it('notices a file that changes after it was hashed', async () => {
    const path = write('changing.txt', 'one');
    const source = await openFiles([path], {});
    writeFileSync(path, 'two');
    await expect(collect(source)).rejects.toMatchObject({ code: 'DATA_FILE_CHANGED' });
  });
});

describe('mails', () => {
  const mail = [
    'Received: from a.example by b.example; Thu, 22 Aug 2002 12:36:23 +0100',
    'X-Spam-Status: Yes, hits=20',
    'From: =?utf-8?Q?Ren=C3=A9?= <rene@example.org>',
    'List-Id: Secret <list.example>',
    'Subject: Re: [ILUG] =?iso-8859-1?Q?Caf=E9?=',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="x"',
    '',
    '--x',
    'Content-Type: text/plain; charset=windows-1252',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'na=EFve soft=',
    ' break',
    '--x',
    'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: base64',
    '',
    'c2VjcmV0',
    '--x--',
    '',
  ].join('\r\n');

  it('decodes sender, subject and text parts, and takes no other header and no attachment', async () => {
    const [document] = await read(write('a.eml', mail));
    expect(document?.text).toBe('René <rene@example.org>\nRe: Café\n\nnaïve soft break');
  });

  it('turns a mail of HTML in base64 into text', async () => {
    const body = Buffer.from('<p>Größe</p>').toString('base64');
    const head =
      'Subject: s\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64';
    const [document] = await read(write('h.eml', `${head}\n\n${body}\n`));
    expect(document?.text).toBe('s\n\nGröße');
  });

  it('finds the mails of an mbox, and no more', async () => {
    const mbox = [
      'From a@example.com Thu Aug 22 12:36:23 2002',
      'Subject: one',
      '',
      'From here it goes on.',
      '>From is escaped',
      '',
      'From b@example.com Fri Aug 23 11:03:37 2002',
      'Subject: two',
      '',
      'body',
      '',
    ].join('\n');
    const documents = await read(write('a.mbox', mbox));
    expect(documents.map(({ text }) => text)).toEqual([
      'one\n\nFrom here it goes on.\nFrom is escaped',
      'two\n\nbody',
    ]);
  });

  it('decodes the character sets of mails by the tables of the standard', async () => {
    const body = (charset: string, bytes: number[]) =>
      Buffer.concat([
        Buffer.from(`Subject: s\nContent-Type: text/plain; charset=${charset}\n\n`),
        Buffer.from(bytes),
      ]);
    const textOf = async (charset: string, bytes: number[]) =>
      (await read(write(`${charset}.eml`, body(charset, bytes))))[0]?.text?.slice('s\n\n'.length);
    expect(await textOf('windows-1252', [0x80, 0x92, 0x93, 0x9f, 0xe9])).toBe('€’“Ÿé');
    expect(await textOf('iso-8859-1', [0x80, 0x92])).toBe('€’');
    expect(await textOf('koi8-r', [0xf0, 0xd2, 0xc9])).toBe('При');
    expect(await textOf('shift_jis', [0x93, 0xfa, 0x96, 0x7b])).toBe('日本');
    expect(await textOf('gb2312', [0xd6, 0xd0])).toBe('中');
  });

  it('leaves the date of a forwarded mail as its header has it', async () => {
    const forwarded = [
      'Subject: Fwd',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="x"',
      '',
      '--x',
      'Content-Type: message/rfc822',
      '',
      'From: a@example.org',
      'Date: Thu, 22 Aug 2002 12:36:23 +0100',
      'Subject: inner',
      '',
      'text',
      '--x--',
      '',
    ].join('\n');
    const [document] = await read(write('forwarded.eml', forwarded));
    expect(document?.text).toContain('Thu, 22 Aug 2002 12:36:23 +0100');
  });

  it('says when the corpus is not there', async () => {
    await expect(openSpamAssassin(directory)).rejects.toMatchObject({
      code: 'DATA_CORPUS_MISSING',
    });
  });
});
