/**
 * Elementary functions whose every bit is fixed. Those of `Math` are left to the engine ("an implementation-approximated
 * value" in ECMAScript), and V8 has replaced its own more than once, so whatever enters weights, hashes or decisions is
 * computed here: additions, products and quotients of float64 alone, which IEEE 754 rounds correctly everywhere. Only
 * `Math.sqrt`, `abs`, `floor` and the like are as exact as these.
 *
 * The method and the coefficients are those of fdlibm: "Copyright (C) 1993 by Sun Microsystems, Inc. All rights
 * reserved. Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this
 * software is freely granted, provided that this notice is preserved." Errors are below one unit in the last place.
 */
import assert from 'node:assert/strict';

const number = new Float64Array(1);
/** The bits of `number`, low word first: every platform that is supported is little-endian. */
const words = new Int32Array(number.buffer);

function highWord(x: number): number {
  number[0] = x;
  return words[1] ?? 0;
}

/** x with another high word. */
function withHighWord(x: number, high: number): number {
  number[0] = x;
  words[1] = high;
  return number[0];
}

/** 2^exponent, exactly. @param exponent integer; below −1074 it is 0, above 1023 infinite */
export function powerOfTwo(exponent: number): number {
  if (exponent > 1023) return Infinity;
  if (exponent < -1022) return exponent < -1074 ? 0 : powerOfTwo(exponent + 52) * 2 ** -52;
  words[0] = 0;
  words[1] = (exponent + 1023) << 20;
  return number[0] ?? 0;
}

/** The least integer n with 2^n ≥ x. @param x integer from 1 to 2^31 */
export function bitsFor(x: number): number {
  return 32 - Math.clz32(x - 1);
}

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/** The natural logarithm. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  const scale = x < 2 ** -1022 ? 54 : 0;
  const scaled = x * powerOfTwo(scale);
  // x = 2^k · (1 + f), with 1 + f between √½ and √2.
  const high = highWord(scaled);
  const fraction = high & 0xfffff;
  const carry = (fraction + 0x95f64) & 0x100000;
  const k = (high >> 20) - 1023 - scale + (carry >> 20);
  const f = withHighWord(scaled, fraction | (carry ^ 0x3ff00000)) - 1;
  if (((2 + fraction) & 0xfffff) < 3) {
    if (f === 0) return k * LN2_HIGH + k * LN2_LOW;
    const rest = f * f * (0.5 - 0.33333333333333333 * f);
    return k === 0 ? f - rest : k * LN2_HIGH - (rest - k * LN2_LOW - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even =
    w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const odd =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const rest = odd + even;
  if (((fraction - 0x6147a) | (0x6b851 - fraction)) > 0) {
    const half = 0.5 * f * f;
    if (k === 0) return f - (half - s * (half + rest));
    return k * LN2_HIGH - (half - (s * (half + rest) + k * LN2_LOW) - f);
  }
  if (k === 0) return f - s * (f - rest);
  return k * LN2_HIGH - (s * (f - rest) - k * LN2_LOW - f);
}

/** e^x. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893383973096) return Infinity;
  if (x < -745.13321910194110842) return 0;
  // x = k ln 2 + (high − low), and what is left is at most ½ ln 2.
  const magnitude = highWord(x) & 0x7fffffff;
  let k = 0;
  let high = x;
  let low = 0;
  if (magnitude > 0x3fd62e42) {
    if (x === 1) return Math.E;
    if (magnitude < 0x3ff0a2b2) k = x < 0 ? -1 : 1;
    else k = Math.trunc(1.4426950408889634 * x + (x < 0 ? -0.5 : 0.5));
    high = x - k * LN2_HIGH;
    low = k * LN2_LOW;
  } else if (magnitude < 0x3e300000) return 1 + x;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t *
              (6.61375632143793436117e-5 +
                t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  if (k === 0) return 1 - ((r * c) / (c - 2) - r);
  const y = 1 - (low - (r * c) / (2 - c) - high);
  if (k === 1024) return y * 2 * 2 ** 1023;
  return k >= -1021 ? y * powerOfTwo(k) : y * powerOfTwo(k + 1000) * 2 ** -1000;
}

/** sin(head + tail), |head| at most about π/4 and `tail` what its rounding lost. */
function sinNearZero(head: number, tail: number): number {
  if ((highWord(head) & 0x7fffffff) < 0x3e400000) return head;
  const z = head * head;
  const cube = z * head;
  const r =
    8.33333333332248946124e-3 +
    z *
      (-1.98412698298579493134e-4 +
        z *
          (2.75573137070700676789e-6 +
            z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
  if (tail === 0) return head + cube * (-1.66666666666666324348e-1 + z * r);
  return head - (z * (0.5 * tail - cube * r) - tail - cube * -1.66666666666666324348e-1);
}

/** cos(head + tail), likewise. */
function cosNearZero(head: number, tail: number): number {
  const magnitude = highWord(head) & 0x7fffffff;
  if (magnitude < 0x3e400000) return 1;
  const z = head * head;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z *
                (-2.75573143513906633035e-7 +
                  z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  if (magnitude < 0x3fd33333) return 1 - (0.5 * z - (z * r - head * tail));
  const quarter = magnitude > 0x3fe90000 ? 0.28125 : withHighWord(0, magnitude - 0x00200000);
  return 1 - quarter - (0.5 * z - quarter - (z * r - head * tail));
}

/** π/2 in pieces of 33 bits, and after each what is then left of it. */
const HALF_PI = [
  [1.57079632673412561417, 6.07710050650619224932e-11],
  [6.0771005063039659766e-11, 2.02226624879595063154e-21],
  [2.0222662487111664558e-21, 8.47842766036889956997e-32],
] as const;

/** x = n · π/2 + head + tail, as [n mod 4, head, tail]; |x| below 2^20. */
function reduced(x: number): readonly [number, number, number] {
  const size = Math.abs(x);
  assert(size < 2 ** 20, 'an angle of 2^20 and more is not provided for');
  if ((highWord(x) & 0x7fffffff) <= 0x3fe921fb) return [0, x, 0];
  const n = Math.trunc(size * 6.36619772367581382433e-1 + 0.5);
  let rest = size;
  let lost = 0;
  let head = 0;
  // Another piece of π/2 where the difference has cancelled more bits than the one before had to spare.
  for (const [at, [piece, left]] of HALF_PI.entries()) {
    const before = rest;
    rest = before - n * piece;
    lost = n * left - (at === 0 ? 0 : before - rest - n * piece);
    head = rest - lost;
    const cancelled = (highWord(size) >> 20) - ((highWord(head) >> 20) & 0x7ff);
    if (cancelled <= (at === 0 ? 16 : 49)) break;
  }
  const tail = rest - head - lost;
  return x < 0 ? [-n & 3, -head, -tail] : [n & 3, head, tail];
}

/** The sine of an angle in radians, |x| below 2^20. */
export function sin(x: number): number {
  const [quadrant, head, tail] = reduced(x);
  const value = quadrant % 2 === 0 ? sinNearZero(head, tail) : cosNearZero(head, tail);
  return quadrant < 2 ? value : -value;
}

/** The cosine of an angle in radians, |x| below 2^20. */
export function cos(x: number): number {
  const [quadrant, head, tail] = reduced(x);
  const value = quadrant % 2 === 0 ? cosNearZero(head, tail) : sinNearZero(head, tail);
  return quadrant === 0 || quadrant === 3 ? value : -value;
}
