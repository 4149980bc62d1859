import { philox, powerOfTwo, type RandomKey } from '@ringmaster/base';

const ROUNDS = 8;

/**
 * A permutation of [0, n) that is evaluated at any place in constant time: a balanced Feistel network over the smallest
 * power of four that is at least n, walked along its cycle until it lands below n again (Black and Rogaway, "Ciphers with
 * arbitrary finite domains", 2002); 4 walks at most on average. Its round function is Philox.
 * @param n At most 2^52.
 * @returns The function from a place in the order to the sample there.
 */
export function permutation(n: number, key: RandomKey): (place: number) => number {
  let half = 1;
  while (powerOfTwo(2 * half) < n) half++;
  const side = powerOfTwo(half);
  const words = new Uint32Array(4);

  const encrypt = (value: number): number => {
    let left = Math.floor(value / side);
    let right = value % side;
    for (let round = 0; round < ROUNDS; round++) {
      philox(key, [right, round, 0, 0], words);
      const mixed = (((words[0] ?? 0) % side) ^ left) >>> 0;
      left = right;
      right = mixed;
    }
    return left * side + right;
  };

  return (place) => {
    let value = encrypt(place);
    while (value >= n) value = encrypt(value);
    return value;
  };
}
