import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { sha256 } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readContent, surveyFile } from './bytes.js';
import { fileLines } from './lines.js';
import { PieceCutter, PIECE } from './pieces.js';

const directory = temporaryDirectory();
async function linesOf(content: Uint8Array, first = 1) {
  const lines: (readonly [number, string])[] = [];
  for await (const { line, text } of fileLines('a', [content], first)) lines.push([line, text]);
  return lines;
}

const text = fc
  .array(fc.constantFrom('a', 'bc', 'é', '\u{feff}', '\n', '\r', '\r\n', '\n\n', '漢字'), {
    maxLength: 60,
  })
  .map((parts) => Buffer.from(`x${parts.join('')}`));

describe('pieces of a file', () => {
  it('have the lines of the whole with their numbers, however the file was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        async (content, size, widths) => {
          const cutter = new PieceCutter(size);
          for (let at = 0, turn = 0; at < content.length; turn++) {
            const end = at + (widths[turn % widths.length] ?? 1);
            cutter.add(content.subarray(at, end));
            at = end;
          }
          const pieces = cutter.finish();
          const whole = await linesOf(content);
          if (pieces.length === 0) return;
          expect(pieces.map(({ start }) => start)).toEqual([
            0,
            ...pieces.slice(0, -1).map(({ end }) => end),
          ]);
          expect(pieces.at(-1)?.end).toBe(content.length);
          const found = [];
          for (const { start, end, line, sha256: hash } of pieces) {
            const bytes = content.subarray(start, end);
            expect(sha256(bytes)).toBe(hash);
            found.push(...(await linesOf(bytes, line)));
          }
          expect(found).toEqual(whole);
        },
      ),
    );
  });

  it('are read where they lie, and noticed to have changed', async () => {
    const path = join(directory, 'long.txt');
    const line = `${'word '.repeat(200)}\n`;
    const content = Buffer.from(line.repeat(Math.ceil((2.5 * PIECE) / line.length)));
    writeFileSync(path, content);
    const survey = surveyFile({ path }, true);
    expect(survey).toMatchObject({ sha256: sha256(content), bytes: content.length });
    expect(survey.pieces).toHaveLength(3);
    expect(surveyFile({ path }, false).pieces).toEqual([]);

    const [, second] = survey.pieces;
    const file = { name: 'long.txt', path, ...survey };
    const read = async () => {
      const windows: Buffer[] = [];
      for await (const window of readContent(file, second)) windows.push(window);
      return Buffer.concat(windows);
    };
    expect((await read()).equals(content.subarray(second?.start, second?.end))).toBe(true);
    content.write('changed', (second?.start ?? 0) + 10);
    writeFileSync(path, content);
    await expect(read()).rejects.toMatchObject({ code: 'DATA_FILE_CHANGED' });
  });

  it('are none of a packed file and of UTF-16', () => {
    for (const beginning of [
      Buffer.of(0x1f, 0x8b),
      Buffer.of(0xff, 0xfe),
      Buffer.of(0xfe, 0xff),
      Buffer.of(0x28, 0xb5, 0x2f, 0xfd),
    ]) {
      const path = join(directory, 'packed');
      writeFileSync(path, Buffer.concat([beginning, Buffer.alloc(3 * PIECE, '\n')]));
      expect(surveyFile({ path }, true).pieces).toEqual([]);
    }
  });
});
