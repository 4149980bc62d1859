import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textLines, tooLong, type TextLine } from './lines.js';

async function collect(lines: AsyncIterable<TextLine>): Promise<TextLine[]> {
  const all: TextLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** Bytes in pieces of the sizes given, again and again. */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const encodings = {
  'UTF-8': (text: string) => Buffer.from(text),
  'UTF-8 with its mark': (text: string) => Buffer.from(`\ufeff${text}`),
  'UTF-16LE': (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16BE': (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
} as const;

const lineText = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('a', ' ', 'é', '語', '🎉', '\u2028'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 8,
  })
  .map((text) => text.replace(/[\0\r\n\ufeff]/g, ''));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('textLines', () => {
  it('gives back what was written, with any line ends, in any encoding and any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(lineText, fc.constantFrom('\n', '\r\n', '\r'))),
        fc.constantFrom(...(Object.keys(encodings) as (keyof typeof encodings)[])),
        fc.boolean(),
        sizes,
        async (written, encoding, isEnded, pieces) => {
          // A CR before an empty line that ends with LF would be a CR LF.
          const ends = written.map(([, end], at): string => {
            const isParted = end === '\r' && written[at + 1]?.[0] === '';
            return isParted ? '\n' : end;
          });
          if (!isEnded && written.at(-1)?.[0] !== '') ends[ends.length - 1] = '';
          const text = written.map(([line], at) => line + (ends[at] ?? '')).join('');
          const bytes = encodings[encoding](text);
          expect(await collect(textLines(inPieces(bytes, pieces)))).toEqual(
            written.map(([line], at) => ({ line: at + 1, text: line })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('numbers what is no text and what is too long, and goes on after it', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (pieces) => {
        const bytes = Buffer.concat([
          Buffer.from('one\n'),
          Buffer.from('caf\xe9\n', 'latin1'),
          Buffer.from('a\0b\n'),
          Buffer.from(`${'x'.repeat(101)}\r\n${'y'.repeat(100)}`),
        ]);
        expect(await collect(textLines(inPieces(bytes, pieces), 100))).toEqual([
          { line: 1, text: 'one' },
          { line: 2, fault: 'byte 3 is of no character in UTF-8' },
          { line: 3, fault: 'byte 1 is zero: it is binary, or UTF-16 without a byte-order mark' },
          { line: 4, fault: tooLong },
          { line: 5, text: 'y'.repeat(100) },
        ]);
      }),
    );
  });

  it('holds no more than a line', async () => {
    const LINES = 200_000;
    function* chunks() {
      for (let at = 0; at < LINES; at += 100) yield Buffer.from(`${'x'.repeat(99)}\n`.repeat(100));
    }
    let count = 0;
    for await (const found of textLines(chunks())) count += 'text' in found ? 1 : 0;
    expect(count).toBe(LINES);
  });
});
