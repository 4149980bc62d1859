import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileRecord } from '../document.js';
import { readers } from './formats.js';
import { htmlToText } from './html.js';

async function collect(records: AsyncIterable<FileRecord>): Promise<FileRecord[]> {
  const all: FileRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

const size = fc.integer({ min: 1, max: 40 });

describe('tables', () => {
  const field = fc
    .string({
      unit: fc.constantFrom('a', 'é', '🎉', ' ', ',', '\t', '"', '\n', ';', "'", '#'),
      maxLength: 6,
    })
    // A blank line is no record, and marks and white space around a name are no part of it.
    .filter((text) => text.trim() !== '');
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((columns) =>
      fc.array(fc.array(field, { minLength: columns, maxLength: columns }), { maxLength: 6 }),
    );

  it('come back as they were written, with any delimiter, line end, quoting and mark', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(['a.csv', ','], ['b.tsv', '\t'], ['c.CSV.gz', ',']),
        fc.array(fc.constantFrom('\n', '\r\n', '\r'), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('all', 'needed'),
        fc.boolean(),
        fc.boolean(),
        size,
        async (rows, [name = '', delimiter = ''], ends, quoting, isMarked, isEnded, piece) => {
          const names = Array.from({ length: rows[0]?.length ?? 1 }, (_, at) => `column ${at}`);
          const write = (text: string) =>
            quoting === 'all' || new RegExp(`[${delimiter}"\\n]`).test(text)
              ? `"${text.replaceAll('"', '""')}"`
              : text;
          const lines = [names, ...rows].map((row) => row.map(write).join(delimiter));
          const text = lines
            .map((line, at) => {
              const end = ends[at % ends.length] ?? '';
              return line + (at === lines.length - 1 && !isEnded ? '' : end);
            })
            .join('');
          const bytes = Buffer.from(`${isMarked ? '\ufeff' : ''}${text}`);
          const records = await collect(readers.csv(name, inPieces(bytes, piece)));
          expect(records.map(({ fields }) => Object.values(fields))).toEqual(rows);
          let begun = 2;
          for (const [at, { line }] of records.entries()) {
            expect(line).toBe(begun);
            begun += 1 + (rows[at] ?? []).join('').split('\n').length - 1;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('mbox', () => {
  const line = fc.constantFrom(
    '',
    'text',
    'From here on',
    '>From there',
    'From a@b Thu Aug 22 12:36:23 2002',
    ' ',
  );
  const mail = fc.record({
    subject: fc.constantFrom('one', 'two'),
    body: fc.array(line, { maxLength: 8 }),
  });

  it('gives back the mails that were written, in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mail, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n'),
        size,
        async (mails, end, piece) => {
          const text = mails
            .map(({ subject, body }) =>
              [
                'From a@example.com Thu Aug 22 12:36:23 2002',
                `Subject: ${subject}`,
                '',
                ...body.map((line) => line.replace(/^(?=>*From )/, '>')),
                '',
                '',
              ].join(end),
            )
            .join('');
          const records = await collect(readers.mbox('a.mbox', inPieces(Buffer.from(text), piece)));
          expect(records.map(({ fields }) => fields)).toEqual(
            mails.map(({ subject, body }) => ({
              subject,
              text: `${subject}\n\n${body.join('\n')}`.trim(),
            })),
          );
          const lines = text.split(end);
          for (const record of records) expect(lines[record.line - 1]).toMatch(/^From a@example/);
        },
      ),
    );
  });
});

describe('html', () => {
  const word = fc.constantFrom('one', 'two', 'three', 'é', '🎉', 'a&b', '<', '"');
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const tag = fc.constantFrom(
    'div',
    'p',
    'b',
    'span',
    'table',
    'tr',
    'td',
    'ul',
    'h1',
    'blockquote',
    'font',
  );
  interface Node {
    readonly tag: string;
    readonly content: readonly (Node | string)[];
  }
  const { node } = fc.letrec<{ node: Node }>((tie) => ({
    node: fc.record({
      tag,
      content: fc.array(fc.oneof({ maxDepth: 6 }, word, tie('node')), { maxLength: 4 }),
    }),
  }));
  const markup = ({ tag, content }: Node): string =>
    `<${tag} title="a > b">${content.map((part) => (typeof part === 'string' ? ` ${escaped(part)} ` : markup(part))).join('')}</${tag}>`;
  const words = ({ content }: Node): string[] =>
    content.flatMap((part) => (typeof part === 'string' ? [part] : words(part)));

  it('gives every word of a page, in order, and nothing else', () => {
    fc.assert(
      fc.property(node, (page) => {
        const text = htmlToText(`<style>p > a {}</style>${markup(page)}<script>"<p>x"</script>`);
        expect(text.split(/\s+/).filter((part) => part !== '')).toEqual(words(page));
        expect(text).not.toMatch(/\n{3}|^\s|\s$| \n|\n /);
      }),
    );
  });

  it('takes markup of any depth, closed or not, and any bytes', () => {
    for (const tag of ['div', 'b', 'table', 'ul', 'pre', 'a href="x"', 'p<'])
      expect(htmlToText(`${`<${tag}>`.repeat(100_000)}deep${'</div>'.repeat(100_000)}`)).toContain(
        'deep',
      );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('<>/!-&;#x"\'= abpre\n')), maxLength: 60 }),
        (text) => {
          expect(typeof htmlToText(text)).toBe('string');
        },
      ),
    );
  });

  it('keeps the lines of what is preformatted, and the items of lists', () => {
    expect(htmlToText('<pre>a\n  b</pre><ul><li>x<li>y</ul>z<br>u&nbsp;v')).toBe(
      'a\n  b\n\n* x\n* y\n\nz\nu\u00a0v',
    );
    expect(htmlToText('<table><tr><td>a<td>b</td></tr><tr><th>c</th><th>d</th></tr></table>')).toBe(
      'a b\nc d',
    );
  });
});
