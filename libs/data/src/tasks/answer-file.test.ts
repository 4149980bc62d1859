import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packAnswer, readAnswer, unpackAnswer, writeAnswer } from './answer-file.js';

const directory = temporaryDirectory();

const answers = fc.record({
  text: fc.string({ unit: 'binary' }),
  halves: fc
    .array(fc.integer({ min: 0xd800, max: 0xdfff }))
    .map((units) => String.fromCharCode(...units)),
  list: fc.array(fc.option(fc.string())),
  bytes: fc.uint8Array(),
  integers: fc.int32Array(),
  naturals: fc.uint32Array(),
  numbers: fc.float64Array(),
  columns: fc.array(fc.record({ lengths: fc.uint32Array(), values: fc.int32Array() })),
});

describe('the file of an answer', () => {
  it('gives back what was packed, and is the same for the same', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const file = packAnswer(answer);
        expect(unpackAnswer(file)).toEqual(answer);
        expect(packAnswer(structuredClone(answer))).toEqual(file);
      }),
      { numRuns: 30 },
    );
  });

  it('is none where it was cut or changed', () => {
    fc.assert(
      fc.property(answers, fc.nat(), fc.integer({ min: 1, max: 255 }), (answer, where, bits) => {
        const file = packAnswer(answer);
        const at = where % file.length;
        expect(unpackAnswer(file.subarray(0, at))).toBeNull();
        file[at] = (file[at] ?? 0) ^ bits;
        expect(unpackAnswer(file)).toBeNull();
      }),
      { numRuns: 30 },
    );
  });

  it('is null before it is written, and when it is damaged', () => {
    const path = join(directory, 'answer');
    expect(readAnswer(path)).toBeNull();
    writeAnswer(path, { counts: Float64Array.of(1, 2) });
    expect(readAnswer(path)).toEqual({ counts: Float64Array.of(1, 2) });
    writeFileSync(path, 'something else');
    expect(readAnswer(path)).toBeNull();
  });
});
