import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSnapshot, Snapshot } from './snapshot.js';

const MEBIBYTE = 2 ** 20;

/** Three strides, the last one short, in the middle of a memory. */
const LENGTH = 9 * MEBIBYTE + 1;
const bytes = new Uint8Array(new SharedArrayBuffer(LENGTH + 200), 100, LENGTH);
const fill = (factor: number) => {
  for (let at = 0; at < LENGTH; at += 1013) bytes[at] = (at * factor) & 255;
};
const snapshot = new Snapshot(bytes);

it('is read as it was, wherever in it the bytes are changed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3 }), fc.nat(255), async (changedAfter, factor) => {
      fill(factor);
      const expected = Buffer.from(bytes);
      snapshot.take();
      let rest: readonly Uint8Array[] = [];
      const change = () => {
        rest = snapshot.detach();
        fill(factor + 1);
      };
      if (changedAfter === 0) change();
      const read: Buffer[] = [];
      for await (const chunk of readSnapshot(snapshot.shared, () => Promise.resolve(rest))) {
        read.push(Buffer.from(chunk));
        if (read.length === changedAfter) change();
      }
      expect(Buffer.compare(Buffer.concat(read), expected)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it('is copied no more than once, and not at all once it was read', async () => {
  expect(snapshot.detach()).toEqual([]);
  snapshot.take();
  const chunks = [];
  for await (const chunk of readSnapshot(snapshot.shared, () => Promise.resolve([])))
    chunks.push(chunk.length);
  expect(chunks.reduce((sum, length) => sum + length)).toBe(LENGTH);
  expect(snapshot.detach()).toEqual([]);
  snapshot.take();
  snapshot.end();
  expect(snapshot.detach()).toEqual([]);
  snapshot.take();
  expect(snapshot.detach().map(({ length }) => length)).toEqual([LENGTH]);
  expect(snapshot.detach()).toEqual([]);
});

it('is copied into the same memory each time', () => {
  snapshot.take();
  const [first] = snapshot.detach();
  snapshot.take();
  const [second] = snapshot.detach();
  expect(second?.buffer).toBe(first?.buffer);
});
