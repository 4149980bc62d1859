import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@ringmaster/testing';
import { RingmasterError } from '@ringmaster/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { fromBfloat16, fromFloat16 } from './half.js';
import { SafetensorsFile, writeSafetensors } from './safetensors.js';

const folder = temporaryDirectory();
let path = join(folder, 'model.safetensors');

/** A file with a header of our making. */
async function craft(header: unknown, data: Uint8Array): Promise<void> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(path, Buffer.concat([length, json, data]));
}

async function failure(): Promise<RingmasterError> {
  const error: unknown = await SafetensorsFile.open(path).then(
    (file) => file.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RingmasterError);
  return error as RingmasterError;
}

test('what is written is read, bit for bit, from shared memory too, and the data is aligned', async () => {
  const tensor = fc.record({
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
    seed: fc.integer(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', 'constructor')),
        tensor,
        { maxKeys: 6 },
      ),
      async (given) => {
        const sources = Object.entries(given)
          .filter(([name]) => name !== '__metadata__' && !/^\d+$/.test(name))
          .map(([name, { shape, seed }]) => {
            const length = shape.reduce((a, b) => a * b, 1);
            const data = new Float32Array(new SharedArrayBuffer(4 * length + 8), 4, length);
            for (let i = 0; i < length; i++) data[i] = seed / (i + 3);
            return { name, shape, data: () => data };
          });
        await writeSafetensors(path, sources);
        const bytes = await readFile(path);
        expect(Number(bytes.readBigUInt64LE()) % 8).toBe(0);
        const file = await SafetensorsFile.open(path);
        expect(file.metadata).toEqual({ format: 'pt' });
        expect([...file.tensors.keys()]).toEqual(sources.map(({ name }) => name));
        for (const { name, shape, data } of sources) {
          expect(file.tensors.get(name)!.shape).toEqual(shape);
          expect([...(await file.read(name))]).toEqual([...data()]);
        }
        await file.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('a file that is cut anywhere is refused', async () => {
  const data = Float32Array.from({ length: 6 }, (_, i) => i);
  await writeSafetensors(path, [{ name: 'a', shape: [2, 3], data: () => data }]);
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length += 3) {
    await writeFile(path, whole.subarray(0, length));
    expect((await failure()).code).toBe('SAFETENSORS_INVALID');
  }
});

test.each([
  ['not JSON', '{"a": ', 0, 'JSON'],
  ['not an object', [1], 0, 'expected object'],
  [
    'an unknown dtype',
    { a: { dtype: 'F31', shape: [1], data_offsets: [0, 4] } },
    4,
    "entry of 'a'",
  ],
  [
    'a negative dimension',
    { a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } },
    4,
    "entry of 'a'",
  ],
  [
    'another size than its shape',
    { a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } },
    4,
    '8 of its shape',
  ],
  [
    'an end beyond the file',
    { a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } },
    4,
    'byte 8 of 4',
  ],
  [
    'an overlap',
    {
      a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
      b: { dtype: 'F32', shape: [2], data_offsets: [4, 12] },
    },
    12,
    'overlaps',
  ],
  ['a hole', { a: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, 8, 'belong to no tensor'],
  [
    'bytes left over',
    { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } },
    8,
    'belong to no tensor',
  ],
])('a header with %s is refused', async (_, header, dataBytes, reason) => {
  await craft(header, new Uint8Array(dataBytes));
  const error = await failure();
  expect(error.code).toBe('SAFETENSORS_INVALID');
  expect(error.message).toContain(reason);
});

test('a missing file is an error with the path', async () => {
  path = join(folder, 'missing.safetensors');
  const error = await failure();
  expect(error.code).toBe('MODEL_FILE_UNREADABLE');
  expect(error.message).toContain(path);
});

test('float16 and bfloat16 are widened; a tensor of integers is refused only when it is read', async () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff);
  const header = {
    ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] },
    half: { dtype: 'F16', shape: [4], data_offsets: [8, 16] },
    brain: { dtype: 'BF16', shape: [2], data_offsets: [16, 20] },
  };
  const brains = Uint16Array.of(0x3f80, 0xc049);
  await craft(
    header,
    Buffer.concat([
      new Uint8Array(8),
      new Uint8Array(halves.buffer),
      new Uint8Array(brains.buffer),
    ]),
  );
  const file = await SafetensorsFile.open(path);
  expect([...(await file.read('half'))]).toEqual([1, -2, 2 ** -24, 65504]);
  expect([...(await file.read('brain'))]).toEqual([1, -3.140625]);
  await expect(file.read('ids')).rejects.toMatchObject({ code: 'SAFETENSORS_DTYPE' });
  await file.close();
});

test('widening keeps signs, infinities, NaN and order', () => {
  const positive = fromFloat16(Uint16Array.from({ length: 0x7c01 }, (_, bits) => bits));
  expect(positive[0]).toBe(0);
  expect(positive.at(-1)).toBe(Infinity);
  for (let bits = 1; bits < positive.length; bits++) {
    expect(positive[bits]! > positive[bits - 1]!).toBe(true);
  }
  const special = fromFloat16(Uint16Array.of(0x8000, 0xfc00, 0x7e00));
  expect(Object.is(special[0], -0)).toBe(true);
  expect(special[1]).toBe(-Infinity);
  expect(special[2]).toBeNaN();
  expect([...fromBfloat16(Uint16Array.of(0x8000, 0xff80))]).toEqual([-0, -Infinity]);
});
