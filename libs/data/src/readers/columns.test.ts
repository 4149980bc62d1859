import { columnNames, type ColumnName } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Columns, FileRecord } from '../document.js';
import { takeColumns, wantedColumns } from './columns.js';
import { readers } from './formats.js';

async function collect(records: AsyncIterable<FileRecord>): Promise<FileRecord[]> {
  const all: FileRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

const needing = (...names: ColumnName[]) =>
  Object.fromEntries(names.map((name) => [name, 'required' as const]));

/** The columns of the documents of a file, none of which is at fault. */
async function read(
  format: keyof typeof readers,
  content: Buffer,
  names: readonly ColumnName[],
): Promise<{ readonly line: number; readonly columns: Columns }[]> {
  const wanted = wantedColumns({ needs: needing(...names) });
  const records = await collect(readers[format](`a.${format}`, [content]));
  return records.map((record) => {
    const { columns, faults } = takeColumns(wanted, record, 'a');
    expect(faults).toEqual([]);
    return { line: record.line, columns };
  });
}

/** A text as the bytes of a file. */
const encodings: Readonly<Record<string, (text: string) => Buffer>> = {
  utf8: (text) => Buffer.from(text),
  'utf8 with a mark': (text) => Buffer.from(`\ufeff${text}`),
  utf16le: (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  utf16be: (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
};
const encoding = fc.constantFrom(...Object.values(encodings));
const end = fc.constantFrom('\n', '\r\n', '\r');
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
/** JSON has no −0. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const name = text.map((written) => written.trim().normalize('NFC')).filter((each) => each !== '');

describe('documents with columns', () => {
  const document: fc.Arbitrary<Columns> = fc
    .record({
      text,
      pair: text,
      class: name,
      classes: fc
        .uniqueArray(name, { maxLength: 4 })
        .map((list) => list.sort((a, b) => (a < b ? -1 : 1))),
      value: number,
      words: fc.array(text, { maxLength: 5 }),
      question: text,
      context: text,
      answers: fc.array(fc.record({ start: fc.nat(), text }), { maxLength: 2 }),
      source: text,
      target: text,
      prompt: text,
      completion: text,
      messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: text })),
    })
    .chain((columns) =>
      fc
        .array(name, { minLength: columns.words.length, maxLength: columns.words.length })
        .map((tags) => ({ ...columns, tags })),
    );
  /** As a file of JSON lines has them by default. */
  const rowOf = ({ class: label, classes, words, answers = [], ...columns }: Columns) => ({
    ...columns,
    label,
    labels: classes,
    tokens: words,
    answers: {
      text: answers.map((answer) => answer.text),
      answer_start: answers.map(({ start }) => start),
    },
  });

  it('come back from JSON lines as they were written, with any line end and mark', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { maxLength: 4 }),
        end,
        encoding,
        async (documents, lineEnd, encode) => {
          const lines = documents.map((columns) => JSON.stringify(rowOf(columns)));
          const found = await read('jsonl', encode(lines.join(lineEnd)), columnNames);
          expect(found.map(({ columns }) => columns)).toEqual(documents);
        },
      ),
    );
  });

  const values = fc.record({
    text,
    class: name,
    value: number,
  });
  it('come back from tables as they were written, with any line end, mark and quoting', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(values, { maxLength: 4 }),
        end,
        encoding,
        fc.boolean(),
        async (documents, lineEnd, encode, isQuoted) => {
          const cell = (value: string) =>
            isQuoted || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
          const rows = documents.map((each) =>
            [each.text, each.class, String(each.value)].map(cell).join(','),
          );
          const content = encode(['text,label,value', ...rows].join(lineEnd));
          const found = await read('csv', content, ['text', 'class', 'value']);
          expect(found.map(({ columns }) => columns)).toEqual(
            documents.map((each) => ({ ...each, text: each.text.replace(/\r\n?/g, '\n') })),
          );
        },
      ),
    );
  });

  const word = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
    .filter((each) => !/[\s\0]/.test(each));
  const sentence = fc
    .array(fc.tuple(word, fc.constantFrom('O', 'B-PER', 'I-PER', 'B-LOC')), {
      minLength: 1,
      maxLength: 5,
    })
    .filter(([first]) => first?.[0] !== '-DOCSTART-');
  it('come back from CoNLL columns as they were written, with any line end, mark and blank', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sentence, { maxLength: 4 }),
        end,
        encoding,
        fc.constantFrom('\t', ' ', '   '),
        fc.constantFrom(
          [''],
          ['', ''],
          ['', '-DOCSTART- -X- O', ''],
          ['-DOCSTART-\t-X-\tO'],
          [' '],
        ),
        async (sentences, lineEnd, encode, blank, between) => {
          const lines = sentences.flatMap((words, at) => [
            ...(at === 0 ? [] : between),
            ...words.map(([each, tag]) => [each, 'NN', tag].join(blank)),
          ]);
          const found = await read('conll', encode(lines.join(lineEnd)), ['words', 'tags']);
          expect(found.map(({ columns }) => columns)).toEqual(
            sentences.map((words) => ({
              words: words.map(([each]) => each),
              tags: words.map(([, tag]) => tag),
            })),
          );
          const all = sentences.map((words) => words[0]?.[0]);
          expect(found.map(({ line }) => lines[line - 1]?.split(blank)[0])).toEqual(all);
        },
      ),
    );
  });
});

describe('CoNLL columns', () => {
  const conll = async (content: string) =>
    collect(readers.conll('a.conll', [Buffer.from(content)]));

  it('are called by their numbers, the first tokens and the last tags', async () => {
    const [record] = await conll('EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n');
    expect(record?.fields).toEqual({
      tokens: ['EU', 'rejects'],
      tags: ['B-ORG', 'O'],
      1: ['EU', 'rejects'],
      2: ['NNP', 'VBZ'],
      3: ['I-NP', 'I-VP'],
      4: ['B-ORG', 'O'],
    });
    const wanted = wantedColumns({
      needs: needing('words', 'tags'),
      columns: { words: '1', tags: '2' },
    });
    expect(takeColumns(wanted, record ?? { line: 0, fields: {} }, 'a').columns.tags).toEqual([
      'NNP',
      'VBZ',
    ]);
  });

  it('keep blanks within a cell where tabs part them', async () => {
    const [record] = await conll('New York\tB-LOC\nis \tO');
    expect(record?.fields['tokens']).toEqual(['New York', 'is']);
  });

  it('are as many in each line of a file', async () => {
    await expect(conll('a O\n\nb NN O\n')).rejects.toThrow(
      'a.conll line 3: it has 3 columns, the lines before it have 2',
    );
  });
});

describe('columns that a document should have', () => {
  const faultsOf = (fields: Readonly<Record<string, unknown>>, ...names: ColumnName[]) =>
    takeColumns(wantedColumns({ needs: needing(...names) }), { line: 7, fields }, 'a').faults;

  const turn = { role: 'assistant', content: '' };

  it.each([
    ['text', { text: ['a'] }, 'is neither text nor a number'],
    ['class', { label: {} }, 'is neither text nor a number'],
    ['classes', { labels: 'a' }, 'is no list'],
    ['classes', { labels: ['a', ' '] }, 'has an empty entry'],
    ['value', { value: 'many' }, 'is no number'],
    ['value', { value: '0x10' }, 'is no number'],
    ['value', { value: null }, 'is empty'],
    ['words', { tokens: 'a b' }, 'is no list'],
    ['words', { tokens: [['a']] }, 'is neither text nor a number'],
    ['tags', { tags: ['O', null] }, 'has an empty entry'],
    ['answers', { answers: ['a'] }, "has not got 'text' and 'answer_start' of each answer"],
    ['answers', { answers: { text: ['a'], answer_start: [] } }, "has not got 'text'"],
    ['messages', { messages: [{ role: 'user' }] }, "has a turn without 'role' and 'content'"],
    [
      'messages',
      { messages: [{ ...turn, tool_calls: [{ id: 'a' }] }] },
      "a turn with 'tool_calls'",
    ],
    ['messages', { messages: [{ ...turn, function_call: { name: 'a' } }] }, "'function_call'"],
  ] as const)('%s of %j', (name, fields, reason) => {
    expect(faultsOf(fields, name)).toEqual([
      expect.objectContaining({ kind: 'invalid', path: 'a', line: 7 }),
    ]);
    expect(faultsOf(fields, name)[0]).toMatchObject({
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('are messages that say of calls that there are none', () => {
    const messages = [{ ...turn, tool_calls: [], function_call: null }];
    expect(faultsOf({ messages }, 'messages')).toEqual([]);
  });

  it('are as many tags as words', () => {
    expect(faultsOf({ tokens: ['a', 'b'], tags: ['O'] }, 'words', 'tags')).toEqual([
      { kind: 'invalid', path: 'a', line: 7, column: 'tags', reason: 'has 1 tags for 2 words' },
    ]);
  });

  it('are called as the job file calls them, and missed by that name', () => {
    const wanted = wantedColumns({ needs: needing('words', 'tags'), columns: { tags: 'ner' } });
    const { columns, faults } = takeColumns(
      wanted,
      { line: 1, fields: { tokens: ['a'], tags: 3 } },
      'a',
    );
    expect(columns).toEqual({ words: ['a'] });
    expect(faults).toEqual([
      { kind: 'missing', path: 'a', line: 1, column: 'ner', columns: 'tokens, tags' },
    ]);
  });

  it('take answers in either form of SQuAD', () => {
    const list = [{ text: 'x', answer_start: 3 }];
    const wanted = wantedColumns({ needs: needing('answers') });
    for (const answers of [list, { text: ['x'], answer_start: [3] }])
      expect(takeColumns(wanted, { line: 1, fields: { answers } }, 'a').columns).toEqual({
        answers: [{ start: 3, text: 'x' }],
      });
  });
});
