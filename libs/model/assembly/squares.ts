// The elementwise parts of a step's update, compiled by AssemblyScript to one module of WebAssembly SIMD over an imported
// shared memory: here the sum of squares, beside it a file an algorithm. Only correctly rounded operations (add, subtract,
// multiply, divide, square root, int to float), in a fixed order, so every machine computes the same bytes. Offsets are
// bytes, lengths are elements.
//
// The int32 gradients are only read: a neighbour in the ring may still be receiving them from where they lie. A loop is
// given the parameters, the moments in the order of the state, the gradients, the length, the factors that make a float
// of an integer (see `adamw`), and the coefficients of its algorithm.

import { meanOf, meansOf } from './gradient';

/**
 * The sum of the squares of float32(source[k]) · resolution · scale, each product rounded to float32, in float64: four
 * sums, of the elements with k mod 4 = 0, 1, 2, 3, added as (0 + 1) + (2 + 3), then the elements of an incomplete last
 * vector one by one.
 */
export function squares(source: usize, length: u32, resolution: f32, scale: f32): f64 {
  const vectorsEnd = source + ((<usize>(length & ~3)) << 2);
  const end = source + ((<usize>length) << 2);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  while (source < vectorsEnd) {
    const floats = meansOf(source, resolution, scale);
    const first = f64x2.promote_low_f32x4(floats);
    const second = f64x2.promote_low_f32x4(i64x2.shuffle(floats, floats, 1, 0));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
    source += 16;
  }
  let sum =
    f64x2.extract_lane(low, 0) +
    f64x2.extract_lane(low, 1) +
    (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
  while (source < end) {
    const float = meanOf(source, resolution, scale);
    sum += <f64>float * <f64>float;
    source += 4;
  }
  return sum;
}
