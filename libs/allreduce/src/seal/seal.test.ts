import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RankKeys, type Holder } from './keys.js';
import { readLetter, writeLetter } from './letters.js';
import { Seal } from './seal.js';
import { Sequence } from './sequence.js';

const bytes = fc.uint8Array({ maxLength: 100 });
const frame = fc
  .tuple(bytes, bytes)
  .chain(([head, payload]) =>
    fc.constantFrom([head, payload], [head, payload, Uint8Array.of(1, 2, 3, 4)]),
  );
const key = Buffer.alloc(32, 7);

function flipped(parts: readonly Uint8Array[], part: number, bit: number): Uint8Array[] | null {
  const chosen = parts[part % parts.length] ?? new Uint8Array();
  if (chosen.length === 0) return null;
  const copy = Uint8Array.from(chosen);
  copy[(bit >> 3) % copy.length]! ^= 1 << (bit & 7);
  return parts.map((each) => (each === chosen ? copy : each));
}

describe('a sequence of frames', () => {
  it('opens in its order, and nothing else does', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat())),
        (frames, tampered) => {
          const [sender, receiver] = [new Sequence(new Seal(key)), new Sequence(new Seal(key))];
          const sent = frames.map((parts) => sender.seal(parts));
          for (const [index, parts] of frames.entries()) {
            for (const [other, part, bit] of tampered) {
              const turn = other % sent.length;
              // Another than the one due, be it one that was opened before; and any with a bit changed.
              if (turn !== index) expect(receiver.open(sent[turn]!)).toBeNull();
              const altered = flipped(sent[turn]!, part, bit);
              if (altered !== null) expect(receiver.open(altered)).toBeNull();
            }
            expect(receiver.open(parts)).toBeNull();
            expect(receiver.open(sent[index]!.slice(0, -1))).toBeNull();
            const opened = receiver.open(sent[index]!);
            expect(opened?.map((each) => [...each])).toEqual(parts.map((each) => [...each]));
          }
        },
      ),
    );
  });

  it('shows nothing of its payloads', () => {
    const payload = new Uint8Array(10_000);
    const [, hidden] = new Sequence(new Seal(key)).seal([Buffer.from('head'), payload]);
    const counts = new Map<number, number>();
    for (const byte of hidden!) counts.set(byte, (counts.get(byte) ?? 0) + 1);
    // Chi-squared of 255 degrees of freedom: 400 is exceeded once in 10^8.
    const expected = payload.length / 256;
    const deviation = [...Array(256).keys()].reduce(
      (sum, byte) => sum + ((counts.get(byte) ?? 0) - expected) ** 2 / expected,
      0,
    );
    expect(deviation).toBeLessThan(400);
  });
});

describe('a letter', () => {
  it('is read by who has the key, as it was written', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat(), fc.nat(), (head, payload, part, bit) => {
        const seal = new Seal(key);
        const letter = writeLetter(seal, head, payload);
        expect([...readLetter(seal, letter)!]).toEqual([...payload]);
        const altered = flipped(letter, part, bit);
        if (altered !== null) expect(readLetter(seal, altered)).toBeNull();
        expect(readLetter(new Seal(Buffer.alloc(32, 8)), letter)).toBeNull();
        expect(readLetter(seal, [head, payload])).toBeNull();
      }),
    );
  });
});

describe('the keys of ranks', () => {
  const keys = [0, 1, 2].map(() => new RankKeys());
  const publicKeys = keys.map(({ publicKey }) => publicKey);
  const seals = (rank: number, changes: Partial<Holder> = {}, own = rank) =>
    keys[own]!.sealsWith({ run: 'run-7', generation: 5, rank, ...changes }, publicKeys);
  const letter = writeLetter(seals(0).to(1, 'reply'), Buffer.from('head'), Buffer.from('secret'));

  it('are shared by two of them', () => {
    expect(Buffer.from(readLetter(seals(1).from(0, 'reply'), letter)!).toString()).toBe('secret');
  });

  it.each([
    ['another rank', seals(2).from(0, 'reply')],
    ['a rank that takes the place of another', seals(1, {}, 2).from(0, 'reply')],
    ['the other direction', seals(1).to(0, 'reply')],
    ['another purpose', seals(1).from(0, 'ring')],
    ['an older generation', seals(1, { generation: 4 }).from(0, 'reply')],
    ['another run', seals(1, { run: 'run-8' }).from(0, 'reply')],
  ])('open nothing of %s', (_, seal) => {
    expect(readLetter(seal, letter)).toBeNull();
  });
});
