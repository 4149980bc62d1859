import { expect, it } from 'vitest';
import { copyBytes } from './copy.js';
import { plainMemory } from './shared-memory.js';

const memory = new Uint8Array(plainMemory(65_536).buffer, 0, 65_536);

it('copies a part of an array into a part of shared memory, and nothing beside it', () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => index & 255);
  for (const [at, from, length] of [
    [0, 0, 0],
    [64, 0, 300],
    [1001, 7, 64],
    [65_535, 299, 1],
  ] as const) {
    memory.fill(9);
    copyBytes(memory.subarray(at), bytes.subarray(from, from + length));
    const expected = new Uint8Array(memory.length).fill(9);
    expected.set(bytes.subarray(from, from + length), at);
    expect(Buffer.compare(memory, expected)).toBe(0);
  }
});

it('refuses what does not fit', () => {
  expect(() => {
    copyBytes(memory.subarray(0, 3), Uint8Array.of(1, 2, 3, 4));
  }).toThrow('too long');
});
