// The inner loops of the fixed-point all-reduce, compiled by AssemblyScript to WebAssembly SIMD over an imported
// shared memory. Offsets are bytes, lengths are elements; nothing here needs an alignment beyond four bytes.
// A tail shorter than a vector runs through the same vector instructions, one lane at a time, so that an element's
// result never depends on where in a range it lies.

export { pack, unpackAdd, unpackSet, widths } from './packing';

/** target[k] += source[k], wrapping. */
export function add(target: usize, source: usize, length: u32): void {
  const end = target + ((<usize>length) << 2);
  const quadsEnd = target + ((<usize>(length & ~15)) << 2);
  const vectorsEnd = target + ((<usize>(length & ~3)) << 2);
  while (target < quadsEnd) {
    v128.store(target, i32x4.add(v128.load(target), v128.load(source)));
    v128.store(target, i32x4.add(v128.load(target, 16), v128.load(source, 16)), 16);
    v128.store(target, i32x4.add(v128.load(target, 32), v128.load(source, 32)), 32);
    v128.store(target, i32x4.add(v128.load(target, 48), v128.load(source, 48)), 48);
    target += 64;
    source += 64;
  }
  while (target < vectorsEnd) {
    v128.store(target, i32x4.add(v128.load(target), v128.load(source)));
    target += 16;
    source += 16;
  }
  while (target < end) {
    store<i32>(target, load<i32>(target) + load<i32>(source));
    target += 4;
    source += 4;
  }
}

/** target[k] = source[k]. */
export function copy(target: usize, source: usize, length: u32): void {
  const end = target + ((<usize>length) << 2);
  const quadsEnd = target + ((<usize>(length & ~15)) << 2);
  while (target < quadsEnd) {
    v128.store(target, v128.load(source));
    v128.store(target, v128.load(source, 16), 16);
    v128.store(target, v128.load(source, 32), 32);
    v128.store(target, v128.load(source, 48), 48);
    target += 64;
    source += 64;
  }
  while (target < end) {
    store<i32>(target, load<i32>(source));
    target += 4;
    source += 4;
  }
}

function quantise(value: v128, scale: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(value, scale)));
}

function magnitude(value: v128): v128 {
  return v128.and(value, i32x4.splat(0x7fffffff));
}

// The magnitude bits of floats order like unsigned integers with infinity above every number and NaN above infinity, so
// both come through.
function largest(magnitudes: v128): f32 {
  const bits = max<u32>(
    max<u32>(i32x4.extract_lane(magnitudes, 0), i32x4.extract_lane(magnitudes, 1)),
    max<u32>(i32x4.extract_lane(magnitudes, 2), i32x4.extract_lane(magnitudes, 3)),
  );
  return reinterpret<f32>(bits);
}

/**
 * target[k] = round(source[k] * 2^exponent), ties to even, added to target[k] where `kept` is all ones and not where it
 * is all zeros; NaN counts as 0, what is out of range saturates. Answers what `maxAbs` does.
 */
function quantiseInto(target: usize, source: usize, length: u32, exponent: i32, kept: v128): f32 {
  const scale = f32x4.splat(reinterpret<f32>((exponent + 127) << 23));
  const end = target + ((<usize>length) << 2);
  const pairsEnd = target + ((<usize>(length & ~7)) << 2);
  let firsts = i32x4.splat(0);
  let seconds = i32x4.splat(0);
  while (target < pairsEnd) {
    const first = v128.load(source);
    const second = v128.load(source, 16);
    firsts = i32x4.max_u(firsts, magnitude(first));
    seconds = i32x4.max_u(seconds, magnitude(second));
    const before = v128.and(v128.load(target), kept);
    const beforeSecond = v128.and(v128.load(target, 16), kept);
    v128.store(target, i32x4.add(before, quantise(first, scale)));
    v128.store(target, i32x4.add(beforeSecond, quantise(second, scale)), 16);
    target += 32;
    source += 32;
  }
  while (target < end) {
    const value = v128.load32_zero(source);
    firsts = i32x4.max_u(firsts, magnitude(value));
    const before = i32x4.extract_lane(v128.and(v128.load32_zero(target), kept), 0);
    store<i32>(target, before + i32x4.extract_lane(quantise(value, scale), 0));
    target += 4;
    source += 4;
  }
  return largest(i32x4.max_u(firsts, seconds));
}

/** target[k] += round(source[k] * 2^exponent); see `quantiseInto`. */
export function quantiseAdd(target: usize, source: usize, length: u32, exponent: i32): f32 {
  return quantiseInto(target, source, length, exponent, i32x4.splat(-1));
}

/** target[k] = round(source[k] * 2^exponent); see `quantiseInto`. */
export function quantiseSet(target: usize, source: usize, length: u32, exponent: i32): f32 {
  return quantiseInto(target, source, length, exponent, i32x4.splat(0));
}

/** The largest |source[k]|, as float32; 0 for no elements, NaN if there is one, else infinity if there is one. */
export function maxAbs(source: usize, length: u32): f32 {
  const end = source + ((<usize>length) << 2);
  const pairsEnd = source + ((<usize>(length & ~7)) << 2);
  let firsts = i32x4.splat(0);
  let seconds = i32x4.splat(0);
  while (source < pairsEnd) {
    firsts = i32x4.max_u(firsts, magnitude(v128.load(source)));
    seconds = i32x4.max_u(seconds, magnitude(v128.load(source, 16)));
    source += 32;
  }
  while (source < end) {
    firsts = i32x4.max_u(firsts, magnitude(v128.load32_zero(source)));
    source += 4;
  }
  return largest(i32x4.max_u(firsts, seconds));
}

// The coefficient of element i: two multiply-xorshift rounds, made odd. Odd, so that one changed element always
// shows; not an arithmetic progression, whose constant differences would miss a swap of two ranges of equal sum.
const FIRST_FACTOR: i32 = 0x9e3779b1;

/** From i · FIRST_FACTOR, which grows by the same amount from element to element. */
function coefficient(product: v128): v128 {
  let mixed = v128.xor(product, i32x4.shr_u(product, 15));
  mixed = i32x4.mul(mixed, i32x4.splat(0x85ebca77));
  mixed = v128.xor(mixed, i32x4.shr_u(mixed, 13));
  return v128.or(mixed, i32x4.splat(1));
}

/** The sum of c(first + k) * source[k] modulo 2^32, with c(i) odd. */
export function checksum(source: usize, length: u32, first: u32): i32 {
  const end = source + ((<usize>length) << 2);
  const pairsEnd = source + ((<usize>(length & ~7)) << 2);
  const index = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  let product = i32x4.mul(index, i32x4.splat(FIRST_FACTOR));
  const vector = i32x4.splat(4 * FIRST_FACTOR);
  const pair = i32x4.splat(8 * FIRST_FACTOR);
  let second = i32x4.add(product, vector);
  let sums = i32x4.splat(0);
  let others = i32x4.splat(0);
  while (source < pairsEnd) {
    sums = i32x4.add(sums, i32x4.mul(coefficient(product), v128.load(source)));
    others = i32x4.add(others, i32x4.mul(coefficient(second), v128.load(source, 16)));
    product = i32x4.add(product, pair);
    second = i32x4.add(second, pair);
    source += 32;
  }
  while (source < end) {
    sums = i32x4.add(sums, i32x4.mul(coefficient(product), v128.load32_zero(source)));
    product = i32x4.add(product, i32x4.splat(FIRST_FACTOR));
    source += 4;
  }
  sums = i32x4.add(sums, others);
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}

/** target[k] = 0. */
export function zero(target: usize, length: u32): void {
  memory.fill(target, 0, (<usize>length) << 2);
}

// By how many bits the second plane of a sum is coarser than the first.
const COARSE_BITS: i64 = 20;

/**
 * target[k] = round(S * 2^-bits), ties to even, where fine[k] is S modulo 2^32 and coarse[k] * 2^20 is less than 2^31 away
 * from S: it tells how often fine[k] has wrapped.
 */
export function narrow(target: usize, fine: usize, coarse: usize, length: u32, bits: u32): void {
  const end = target + ((<usize>length) << 2);
  const shift = <i64>bits;
  const half = ((<i64>1) << (shift - 1)) - 1;
  while (target < end) {
    const low = <i64>load<i32>(fine);
    const near = (<i64>load<i32>(coarse)) << COARSE_BITS;
    const sum = low + (((near - low + ((<i64>1) << 31)) >> 32) << 32);
    store<i32>(target, <i32>((sum + half + ((sum >> shift) & 1)) >> shift));
    target += 4;
    fine += 4;
    coarse += 4;
  }
}
