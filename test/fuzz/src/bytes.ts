import type { Draws } from './draws.js';

type Damage = (input: Buffer, draws: Draws, dictionary: readonly Buffer[]) => Buffer;

const spliced = (input: Buffer, at: number, removed: number, inserted: Buffer): Buffer =>
  Buffer.concat([input.subarray(0, at), inserted, input.subarray(at + removed)]);

const damages: readonly [Damage, ...Damage[]] = [
  /** A bit is flipped. */
  (input, draws) => {
    const copy = Buffer.from(input);
    const at = draws.below(input.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << draws.below(8));
    return copy;
  },
  /** A byte is another one, often an outermost. */
  (input, draws) => {
    const copy = Buffer.from(input);
    copy[draws.below(input.length)] = draws.of([
      0,
      0x0a,
      0x0d,
      0x22,
      0x7f,
      0x80,
      0xff,
      draws.below(256),
    ]);
    return copy;
  },
  /** A part is missing. */
  (input, draws) => spliced(input, draws.below(input.length), 1 + draws.below(16), Buffer.alloc(0)),
  /** The end is missing. */
  (input, draws) => input.subarray(0, draws.below(input.length + 1)),
  /** A part is there again, many times now and then. */
  (input, draws) => {
    const from = draws.below(input.length);
    const part = input.subarray(from, from + 1 + draws.below(64));
    const times = draws.oneIn(8) ? draws.below(500) : 1;
    return spliced(
      input,
      draws.below(input.length),
      0,
      Buffer.concat(Array<Buffer>(times).fill(part)),
    );
  },
  /** A word of the format is put in. */
  (input, draws, dictionary) => {
    const word = dictionary[draws.below(dictionary.length)] ?? Buffer.alloc(0);
    return spliced(input, draws.below(input.length + 1), draws.of([0, word.length]), word);
  },
  /** A number is one of the outermost. */
  (input, draws) => {
    const width = draws.of([1, 2, 4, 8]);
    const edge = draws.of([
      0n,
      1n,
      -1n,
      0x7fn,
      0x80n,
      0x7fffn,
      0x7fffffffn,
      0x80000000n,
      1n << 53n,
    ]);
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(BigInt.asUintN(64, edge));
    const at = draws.below(input.length);
    return spliced(
      input,
      at,
      width,
      draws.of([0, 1]) === 0
        ? word.subarray(0, width)
        : Buffer.from(word.subarray(0, width)).reverse(),
    );
  },
];

/** A valid input with one to four damages, or half of it and half of another one. */
export function damaged(
  corpus: readonly [Buffer, ...Buffer[]],
  dictionary: readonly Buffer[],
  draws: Draws,
): Buffer {
  let input = draws.of(corpus);
  if (draws.oneIn(16)) {
    const other = draws.of(corpus);
    input = Buffer.concat([
      input.subarray(0, draws.below(input.length)),
      other.subarray(draws.below(other.length)),
    ]);
  }
  for (let count = 1 + draws.below(4); count > 0; count--) {
    if (input.length === 0) return input;
    input = draws.of(damages)(input, draws, dictionary);
  }
  return input;
}
