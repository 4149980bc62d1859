import { meanOf } from './gradient';

// Loops of Muon (Jordan et al., 2024), over arrays of float32.

/**
 * The mean of gradients in place, and the direction of an update:
 *   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
 *   m = m + gain · (g - m)
 *   d = m + ahead · (g - m)                              ahead = 0, or Nesterov's gain
 */
export function muonDirection(
  momenta: usize,
  directions: usize,
  gradients: usize,
  length: u32,
  resolution: f32,
  scale: f32,
  clip: f32,
  gain: f32,
  ahead: f32,
): void {
  const end = (<usize>length) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const g = meanOf(gradients + at, resolution, scale) * clip;
    const before = load<f32>(momenta + at);
    const m = before + gain * (g - before);
    store<f32>(momenta + at, m);
    store<f32>(directions + at, m + ahead * (g - m));
  }
}

/** The sum of squares in float64, in the order of `squares`. */
export function floatSquares(source: usize, length: u32): f64 {
  const vectorsEnd = source + ((<usize>(length & ~3)) << 2);
  const end = source + ((<usize>length) << 2);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  while (source < vectorsEnd) {
    const floats = v128.load(source);
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
    const float = <f64>load<f32>(source);
    sum += float * float;
    source += 4;
  }
  return sum;
}

/** x = x · factor. */
export function scaled(x: usize, length: u32, factor: f32): void {
  const end = x + ((<usize>length) << 2);
  for (; x < end; x += 4) store<f32>(x, load<f32>(x) * factor);
}

/** source [rows, columns] → target [columns, rows], in tiles. */
export function transpose(source: usize, target: usize, rows: u32, columns: u32): void {
  for (let top: u32 = 0; top < rows; top += 16)
    for (let left: u32 = 0; left < columns; left += 16)
      for (let row = top; row < min<u32>(top + 16, rows); row++)
        for (let column = left; column < min<u32>(left + 16, columns); column++)
          store<f32>(
            target + ((<usize>column * rows + row) << 2),
            load<f32>(source + ((<usize>row * columns + column) << 2)),
          );
}

/**
 * beta · addend + alpha · (left [rows, inner] · right [inner, columns]) into [rows, columns]. The sum of products of an
 * element is in their order, each rounded; nothing is fused.
 */
export function product(
  left: usize,
  right: usize,
  addend: usize,
  into: usize,
  rows: u32,
  inner: u32,
  columns: u32,
  alpha: f32,
  beta: f32,
): void {
  const wholeColumns = columns & ~3;
  const stride = (<usize>columns) << 2;
  const depth = (<usize>inner) << 2;
  let row: u32 = 0;
  for (; row + 4 <= rows; row += 4) {
    const from: usize = left + <usize>row * depth;
    for (let column: u32 = 0; column < wholeColumns; column += 4) {
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      let b = right + ((<usize>column) << 2);
      for (let k: usize = 0; k < depth; k += 4) {
        const values = v128.load(b);
        s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(from + k), values));
        s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(from + depth + k), values));
        s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(from + 2 * depth + k), values));
        s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(from + 3 * depth + k), values));
        b += stride;
      }
      const at: usize = <usize>row * stride + ((<usize>column) << 2);
      put(into, addend, at, s0, alpha, beta);
      put(into, addend, at + stride, s1, alpha, beta);
      put(into, addend, at + 2 * stride, s2, alpha, beta);
      put(into, addend, at + 3 * stride, s3, alpha, beta);
    }
    for (let each = row; each < row + 4; each++)
      edge(left, right, addend, into, each, wholeColumns, inner, columns, alpha, beta);
  }
  for (; row < rows; row++) edge(left, right, addend, into, row, 0, inner, columns, alpha, beta);
}

/** Writes beta · addend + alpha · sum, of four elements. */
function put(into: usize, addend: usize, at: usize, sum: v128, alpha: f32, beta: f32): void {
  const added = f32x4.mul(f32x4.splat(beta), v128.load(addend + at));
  v128.store(into + at, f32x4.add(added, f32x4.mul(f32x4.splat(alpha), sum)));
}

/** The elements of a row from a column on. */
function edge(
  left: usize,
  right: usize,
  addend: usize,
  into: usize,
  row: u32,
  first: u32,
  inner: u32,
  columns: u32,
  alpha: f32,
  beta: f32,
): void {
  for (let column = first; column < columns; column++) {
    let sum: f32 = 0;
    for (let k: u32 = 0; k < inner; k++)
      sum +=
        load<f32>(left + ((<usize>row * inner + k) << 2)) *
        load<f32>(right + ((<usize>k * columns + column) << 2));
    const at = (<usize>row * columns + column) << 2;
    store<f32>(into + at, beta * load<f32>(addend + at) + alpha * sum);
  }
}

/** p = p · shrink - rate · d. */
export function descend(
  parameters: usize,
  directions: usize,
  length: u32,
  shrink: f32,
  rate: f32,
): void {
  const end = (<usize>length) << 2;
  for (let at: usize = 0; at < end; at += 4)
    store<f32>(
      parameters + at,
      load<f32>(parameters + at) * shrink - rate * load<f32>(directions + at),
    );
}
