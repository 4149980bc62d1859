import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writePieces } from './pieces.js';

const directory = temporaryDirectory();
it('cuts any stream into pieces of the limit that make it up again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 64 }),
      async (chunks, limit) => {
        const given = chunks.map((chunk) => Buffer.from(chunk));
        const pieces = await writePieces(streamOf(given), directory, limit);
        const files = await Promise.all(pieces.map(({ name }) => readFile(join(directory, name))));
        expect(Buffer.concat(files)).toEqual(Buffer.concat(given));
        for (const [index, { name, bytes, sha256 }] of pieces.entries()) {
          expect(name).toBe(`piece-${String(index).padStart(3, '0')}`);
          expect(bytes).toBe(files[index]?.length);
          expect(sha256).toBe(
            createHash('sha256')
              .update(files[index] ?? '')
              .digest('hex'),
          );
          if (index + 1 < pieces.length) expect(bytes).toBe(limit);
        }
      },
    ),
    { numRuns: 50 },
  );
});

async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (const chunk of chunks) yield chunk;
}
