// Standard normals in bulk, bit for bit those of `RandomStream.normal` of @ringmaster/base: Philox4x32-10 of four counters
// at once, and of each two words the Box–Muller transform, two pairs to a vector, with fdlibm's logarithm, sine and cosine
// in float64 operations that IEEE 754 rounds correctly. Of the branches of those functions only the frequent ones are here,
// chosen by masks; a group of four counters that needs another (some of 100,000) is told to the caller, who draws it.

/** Whether a word of the group in hand needed a branch that is not here. */
let isRare: i32 = 0;

function rareWhere(mask: v128): void {
  isRare |= i32(v128.any_true(mask));
}

/** The high words of two float64, each as an int64. */
function highWords(x: v128): v128 {
  return i64x2.shr_u(x, 32);
}

/** The high words without their signs. */
function magnitudes(x: v128): v128 {
  return v128.and(highWords(x), i64x2.splat(0x7fffffff));
}

/** a + b · x */
function linear(a: f64, x: v128, b: v128): v128 {
  return f64x2.add(f64x2.splat(a), f64x2.mul(x, b));
}

/** The natural logarithm of two numbers that are in the normal range. */
function logarithm(x: v128): v128 {
  // x = 2^k · (1 + f), with 1 + f between √½ and √2.
  const high = highWords(x);
  const fraction = v128.and(high, i64x2.splat(0xfffff));
  const carry = v128.and(i64x2.add(fraction, i64x2.splat(0x95f64)), i64x2.splat(0x100000));
  const exponents = i64x2.add(
    i64x2.sub(i64x2.shr_u(high, 20), i64x2.splat(1023)),
    i64x2.shr_u(carry, 20),
  );
  const k = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(exponents, exponents, 0, 2, 0, 2));
  const mantissa = v128.or(
    v128.and(x, i64x2.splat(0xffffffff)),
    i64x2.shl(v128.or(fraction, v128.xor(carry, i64x2.splat(0x3ff00000))), 32),
  );
  const f = f64x2.sub(mantissa, f64x2.splat(1));
  const distance = v128.and(i64x2.add(fraction, i64x2.splat(2)), i64x2.splat(0xfffff));
  rareWhere(i64x2.lt_s(distance, i64x2.splat(3)));
  const s = f64x2.div(f, f64x2.add(f64x2.splat(2), f));
  const z = f64x2.mul(s, s);
  const w = f64x2.mul(z, z);
  const even = f64x2.mul(
    w,
    linear(
      3.999999999940941908e-1,
      w,
      linear(2.222219843214978396e-1, w, f64x2.splat(1.531383769920937332e-1)),
    ),
  );
  const odd = f64x2.mul(
    z,
    linear(
      6.66666666666673513e-1,
      w,
      linear(
        2.857142874366239149e-1,
        w,
        linear(1.818357216161805012e-1, w, f64x2.splat(1.479819860510658591e-1)),
      ),
    ),
  );
  const rest = f64x2.add(odd, even);
  const high2 = f64x2.mul(k, f64x2.splat(6.9314718036912381649e-1));
  const low2 = f64x2.mul(k, f64x2.splat(1.90821492927058770002e-10));
  const half = f64x2.mul(f64x2.mul(f64x2.splat(0.5), f), f);
  const far = f64x2.sub(half, f64x2.add(f64x2.mul(s, f64x2.add(half, rest)), low2));
  const near = f64x2.sub(f64x2.mul(s, f64x2.sub(f, rest)), low2);
  const isFar = i64x2.gt_s(
    v128.or(i64x2.sub(fraction, i64x2.splat(0x6147a)), i64x2.sub(i64x2.splat(0x6b851), fraction)),
    i64x2.splat(0),
  );
  return f64x2.sub(high2, f64x2.sub(v128.bitselect(far, near, isFar), f));
}

/** sin(head + tail), |head| from 2^-27 to about π/4 and `tail` what its rounding lost. */
function sinNearZero(head: v128, tail: v128): v128 {
  const z = f64x2.mul(head, head);
  const cube = f64x2.mul(z, head);
  const r = linear(
    8.33333333332248946124e-3,
    z,
    linear(
      -1.98412698298579493134e-4,
      z,
      linear(
        2.75573137070700676789e-6,
        z,
        linear(-2.50507602534068634195e-8, z, f64x2.splat(1.58969099521155010221e-10)),
      ),
    ),
  );
  const exact = f64x2.add(head, f64x2.mul(cube, linear(-1.66666666666666324348e-1, z, r)));
  const correction = f64x2.sub(f64x2.mul(f64x2.splat(0.5), tail), f64x2.mul(cube, r));
  const rounded = f64x2.sub(
    head,
    f64x2.sub(
      f64x2.sub(f64x2.mul(z, correction), tail),
      f64x2.mul(cube, f64x2.splat(-1.66666666666666324348e-1)),
    ),
  );
  return v128.bitselect(exact, rounded, f64x2.eq(tail, f64x2.splat(0)));
}

/** cos(head + tail), likewise. */
function cosNearZero(head: v128, tail: v128): v128 {
  const z = f64x2.mul(head, head);
  const r = f64x2.mul(
    z,
    linear(
      4.16666666666666019037e-2,
      z,
      linear(
        -1.38888888888741095749e-3,
        z,
        linear(
          2.48015872894767294178e-5,
          z,
          linear(
            -2.75573143513906633035e-7,
            z,
            linear(2.0875723212981748279e-9, z, f64x2.splat(-1.13596475577881948265e-11)),
          ),
        ),
      ),
    ),
  );
  const half = f64x2.mul(f64x2.splat(0.5), z);
  const rest = f64x2.sub(f64x2.mul(z, r), f64x2.mul(head, tail));
  const one = f64x2.splat(1);
  const near = f64x2.sub(one, f64x2.sub(half, rest));
  const magnitude = magnitudes(head);
  const quarter = v128.bitselect(
    f64x2.splat(0.28125),
    i64x2.shl(i64x2.sub(magnitude, i64x2.splat(0x00200000)), 32),
    i64x2.gt_s(magnitude, i64x2.splat(0x3fe90000)),
  );
  const far = f64x2.sub(f64x2.sub(one, quarter), f64x2.sub(f64x2.sub(half, quarter), rest));
  return v128.bitselect(near, far, i64x2.lt_s(magnitude, i64x2.splat(0x3fd33333)));
}

/**
 * Of two counters each the two normals that a pair of words makes, times `deviation`, as float32 at `target` and 16 bytes
 * on. The words are uint32 in the low halves of the vectors.
 */
function pair(target: usize, radiusWords: v128, angleWords: v128, deviation: v128): void {
  const first = f64x2.convert_low_i32x4_u(radiusWords);
  const second = f64x2.convert_low_i32x4_u(angleWords);
  const uniform = f64x2.div(f64x2.add(first, f64x2.splat(1)), f64x2.splat(4294967297));
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), logarithm(uniform)));
  const angle = f64x2.mul(
    f64x2.splat(6.283185307179586),
    f64x2.mul(second, f64x2.splat(2.3283064365386963e-10)),
  );

  // angle = n · π/2 + head + tail
  const isSmall = i64x2.le_s(magnitudes(angle), i64x2.splat(0x3fe921fb));
  const n = v128.andnot(
    f64x2.trunc(
      f64x2.add(f64x2.mul(angle, f64x2.splat(6.36619772367581382433e-1)), f64x2.splat(0.5)),
    ),
    isSmall,
  );
  const rest = f64x2.sub(angle, f64x2.mul(n, f64x2.splat(1.57079632673412561417)));
  const lost = f64x2.mul(n, f64x2.splat(6.07710050650619224932e-11));
  const head = f64x2.sub(rest, lost);
  const tail = f64x2.sub(f64x2.sub(rest, head), lost);
  const magnitude = magnitudes(head);
  const cancelled = i64x2.sub(i64x2.shr_u(highWords(angle), 20), i64x2.shr_u(magnitude, 20));
  rareWhere(
    v128.or(i64x2.gt_s(cancelled, i64x2.splat(16)), i64x2.lt_s(magnitude, i64x2.splat(0x3e400000))),
  );

  const quadrants = i32x4.trunc_sat_f64x2_s_zero(n);
  const quadrant = v128.shuffle<i32>(quadrants, i32x4.splat(0), 0, 4, 1, 4);
  const isOdd = i64x2.sub(i64x2.splat(0), v128.and(quadrant, i64x2.splat(1)));
  // The sine is negative in quadrants 2 and 3, the cosine in 1 and 2.
  const sinSign = i64x2.shl(quadrant, 62);
  const cosSign = i64x2.shl(i64x2.add(quadrant, i64x2.splat(1)), 62);
  const sign = i64x2.splat(0x8000000000000000);
  const sine = sinNearZero(head, tail);
  const cosine = cosNearZero(head, tail);
  const cos = v128.xor(v128.bitselect(sine, cosine, isOdd), v128.and(cosSign, sign));
  const sin = v128.xor(v128.bitselect(cosine, sine, isOdd), v128.and(sinSign, sign));
  const even = f32x4.demote_f64x2_zero(f64x2.mul(deviation, f64x2.mul(radius, cos)));
  const odd = f32x4.demote_f64x2_zero(f64x2.mul(deviation, f64x2.mul(radius, sin)));
  const values = v128.shuffle<f32>(even, odd, 0, 4, 1, 5);
  v128.store64_lane(target, values, 0);
  v128.store64_lane(target + 16, values, 1);
}

function upper(words: v128): v128 {
  return v128.shuffle<i32>(words, words, 2, 3, 2, 3);
}

/**
 * The float32 values of deviation · normal(16 · group … 16 · (group + count) - 1) at `target`.
 * @param group counted from the beginning of the stream; group + count at most 2^30
 * @param rare where the groups are noted, as uint32, that the caller has to draw
 * @returns how many those are
 */
export function normals(
  target: usize,
  group: u32,
  count: u32,
  keyLow: u32,
  keyHigh: u32,
  deviation: f64,
  rare: usize,
): u32 {
  const deviations = f64x2.splat(deviation);
  const end = group + count;
  let found: u32 = 0;
  for (; group < end; group++) {
    let c0 = i32x4.add(i32x4.splat(group << 2), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(0);
    let c2 = i32x4.splat(0);
    let c3 = i32x4.splat(0);
    let k0 = keyLow;
    let k1 = keyHigh;
    for (let round = 0; round < 10; round++) {
      const m0 = i32x4.splat(0xd2511f53);
      const m1 = i32x4.splat(0xcd9e8d57);
      const a0 = i64x2.extmul_low_i32x4_u(c0, m0);
      const a1 = i64x2.extmul_high_i32x4_u(c0, m0);
      const b0 = i64x2.extmul_low_i32x4_u(c2, m1);
      const b1 = i64x2.extmul_high_i32x4_u(c2, m1);
      c0 = v128.xor(v128.xor(v128.shuffle<i32>(b0, b1, 1, 3, 5, 7), c1), i32x4.splat(k0));
      c1 = v128.shuffle<i32>(b0, b1, 0, 2, 4, 6);
      c2 = v128.xor(v128.xor(v128.shuffle<i32>(a0, a1, 1, 3, 5, 7), c3), i32x4.splat(k1));
      c3 = v128.shuffle<i32>(a0, a1, 0, 2, 4, 6);
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    isRare = 0;
    pair(target, c0, c1, deviations);
    pair(target + 8, c2, c3, deviations);
    pair(target + 32, upper(c0), upper(c1), deviations);
    pair(target + 40, upper(c2), upper(c3), deviations);
    if (isRare) {
      store<u32>(rare + ((<usize>found) << 2), group);
      found++;
    }
    target += 64;
  }
  return found;
}
