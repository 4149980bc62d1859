import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { sha256 } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BANDS, bandKeys, shingles } from '../clean/minhash.js';
import { nearDuplicateGroups, signaturesOf } from '../clean/duplicates.js';
import { contentOf } from '../prepare/content.js';
import { DROPPED, type CorpusPart } from '../prepare/corpus-part.js';
import { KeptSignatures } from '../prepare/signatures.js';
import { DigestTable } from './digest-table.js';
import { HASH, Part } from './part.js';
import { PartWriter } from './part-writer.js';

const directory = temporaryDirectory();
let files = 0;

const columns = fc.record(
  {
    text: fc.lorem({ maxCount: 30 }),
    pair: fc.string({ unit: 'grapheme' }),
    class: fc.option(fc.constantFrom('a', 'b', 'é')),
    tags: fc.array(fc.string()),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  },
  { requiredKeys: ['text'] },
);

function write(documents: readonly (typeof columns extends fc.Arbitrary<infer T> ? T : never)[]) {
  const writer = new PartWriter();
  for (const [at, document] of documents.entries())
    writer.add(document, { file: at % 3, number: 2 * at, line: 7 * at });
  const path = join(directory, `part-${files++}`);
  const hash = writer.write(path);
  expect(sha256(readFileSync(path))).toBe(hash);
  return new Part({ path, sha256: hash });
}

describe('a part', () => {
  it('gives back its documents and their records', () => {
    fc.assert(
      fc.property(fc.array(columns, { maxLength: 20 }), fc.nat(), (documents, mask) => {
        const part = write(documents);
        const isWanted = (at: number) => ((mask >> (at % 31)) & 1) === 0;
        // JSON has one zero.
        const read = JSON.parse(JSON.stringify(documents)) as object[];
        expect([...part.read(isWanted)]).toEqual(
          read.flatMap((each, at) => (isWanted(at) ? [{ at, columns: each }] : [])),
        );
        expect(part.documents).toBe(documents.length);
        const hashes = part.bytes('hashes');
        const classes = part.classNumbers();
        for (const [at, document] of documents.entries()) {
          const content = contentOf(document);
          expect(hashes.toString('hex', HASH * at, HASH * (at + 1))).toBe(sha256(content));
          expect(part.classes[classes[at] ?? -1] ?? null).toBe(document.class ?? null);
          const set = shingles(content);
          expect(part.shinglesOf(at)).toEqual(set);
          expect(part.numbers('shingles')[at]).toBe(set.length);
          const keys = new Float64Array(BANDS);
          if (set.length > 0) bandKeys(set, keys, 0, 1);
          expect(Array.from(keys, (_, band) => part.keys(band)[at])).toEqual([...keys]);
          expect(part.numbers('numbers')[at]).toBe(2 * at);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is compared with others without what is dropped, as the texts in memory are', () => {
    const word = (number: number) => `w${(number * 7919) % 997}`;
    const text = (number: number) =>
      Array.from({ length: 40 }, (_, at) => word(Math.floor(number / 3) * 40 + at)).join(' ');
    const texts = Array.from({ length: 120 }, (_, number) => `${text(number)} ${word(number)}`);
    const parts = [0, 1, 2].map((third): CorpusPart => {
      const ofPart = texts.slice(40 * third, 40 * (third + 1));
      return {
        part: write(ofPart.map((each) => ({ text: each }))),
        chunk: { origin: 'main', readings: [], cleaning: [] },
        before: 0,
        splits: Uint8Array.from(ofPart, (_, at) => (at % 5 === third ? DROPPED : 0)),
      };
    });
    const kept = texts.filter((_, at) => (at % 40) % 5 !== Math.floor(at / 40));
    expect(nearDuplicateGroups(new KeptSignatures(parts))).toEqual(
      nearDuplicateGroups(signaturesOf(kept)),
    );
  });
});

describe('a table of digests', () => {
  it('numbers them by the order in which they were first added', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { maxLength: 3000 }), (numbers) => {
        const table = new DigestTable();
        const known = new Map<number, number>();
        for (const number of numbers) {
          if (!known.has(number)) known.set(number, known.size);
          const digest = Buffer.from(sha256(String(number)), 'hex');
          expect(table.add(Buffer.concat([Buffer.of(1), digest]), 1)).toBe(known.get(number));
        }
        expect(table.size).toBe(known.size);
      }),
      { numRuns: 20 },
    );
  });
});
