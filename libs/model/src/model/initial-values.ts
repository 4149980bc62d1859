import { randomKey, RandomStream, type RandomKey } from '@ringmaster/base';
import { instantiate, unsharedMemory } from '@ringmaster/base/memory';
import type { ParameterSpec } from '../layers/layer.js';

/** What assembly/normals.ts exports; the meaning of the arguments is there. */
interface Exports {
  normals(
    target: number,
    group: number,
    count: number,
    keyLow: number,
    keyHigh: number,
    deviation: number,
    rare: number,
  ): number;
}

/** Values of four counters of the generator, which the loop draws at once. */
const GROUP = 16;
/** Values of one call: 64 KiB, a page; the groups that are told as rare are noted in the next. */
const CALL = 16_384;
const RARE = CALL * Float32Array.BYTES_PER_ELEMENT;

const memory = unsharedMemory(2);
let bound: Exports | undefined;
const drawn = new Float32Array(memory.buffer, 0, CALL);
const rareGroups = new Uint32Array(memory.buffer, RARE, CALL / GROUP);

/** The value of a parameter at step 0: a function of the seed and the parameter's name and specification only. */
export function initialValues(
  { name, shape, initial, deviation }: ParameterSpec,
  seed: number,
): Float32Array {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  if (initial === 'ones') return values.fill(1);
  if (initial === 'zeros') return values;
  fillNormals(values, randomKey(seed, 'initial', name), deviation);
  return values;
}

/** Fills an array with `deviation` times the normals of a stream, from its beginning, rounded to float32. */
export function fillNormals(target: Float32Array, key: RandomKey, deviation: number): void {
  bound ??= instantiate(new URL('normals.wasm', import.meta.url), memory) as Exports;
  const stream = new RandomStream(key);
  for (let start = 0; start < target.length; start += CALL) {
    const part = target.subarray(start, start + CALL);
    const groups = Math.ceil(part.length / GROUP);
    const rare = bound.normals(0, start / GROUP, groups, key.low, key.high, deviation, RARE);
    part.set(drawn.subarray(0, part.length));
    for (const group of rareGroups.subarray(0, rare)) {
      const end = Math.min((group + 1) * GROUP, target.length);
      for (let index = group * GROUP; index < end; index++) {
        target[index] = deviation * stream.normal(index);
      }
    }
  }
}
