import { meanOf, meansOf } from './gradient';

// Loops of Adafactor (Shazeer and Stern, 2018) over a matrix [rows, columns], with
//   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
//   u = (row factor · column factor) · g

/**
 * Of g² + epsilon: the mean of each row in float32, and the sum of each column in float64, in the order of the rows. A row
 * is summed in float64 as `squares` sums.
 */
export function squaresBySide(
  gradients: usize,
  rows: u32,
  columns: u32,
  rowMeans: usize,
  columnSums: usize,
  resolution: f32,
  scale: f32,
  clip: f32,
  epsilon: f32,
): void {
  memory.fill(columnSums, 0, (<usize>columns) << 3);
  const whole = columns & ~3;
  for (let row: u32 = 0; row < rows; row++) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    let at = gradients;
    let sums = columnSums;
    for (let column: u32 = 0; column < whole; column += 4) {
      const g = f32x4.mul(meansOf(at, resolution, scale), f32x4.splat(clip));
      const square = f32x4.add(f32x4.mul(g, g), f32x4.splat(epsilon));
      const first = f64x2.promote_low_f32x4(square);
      const second = f64x2.promote_low_f32x4(i64x2.shuffle(square, square, 1, 0));
      low = f64x2.add(low, first);
      high = f64x2.add(high, second);
      v128.store(sums, f64x2.add(v128.load(sums), first));
      v128.store(sums, f64x2.add(v128.load(sums, 16), second), 16);
      at += 16;
      sums += 32;
    }
    let sum =
      f64x2.extract_lane(low, 0) +
      f64x2.extract_lane(low, 1) +
      (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
    for (let column = whole; column < columns; column++) {
      const g = meanOf(at, resolution, scale) * clip;
      const square = <f64>(g * g + epsilon);
      sum += square;
      store<f64>(sums, load<f64>(sums) + square);
      at += 4;
      sums += 8;
    }
    store<f32>(rowMeans + ((<usize>row) << 2), <f32>(sum / <f64>columns));
    gradients = at;
  }
}

/** The sum of u² in float64: that of each row as `squares` sums, in the order of the rows. */
export function factoredSquares(
  gradients: usize,
  rows: u32,
  columns: u32,
  rowFactors: usize,
  columnFactors: usize,
  resolution: f32,
  scale: f32,
  clip: f32,
): f64 {
  const whole = columns & ~3;
  let total: f64 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    const factor = load<f32>(rowFactors + ((<usize>row) << 2));
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    let at = gradients;
    let factors = columnFactors;
    for (let column: u32 = 0; column < whole; column += 4) {
      const g = f32x4.mul(meansOf(at, resolution, scale), f32x4.splat(clip));
      const u = f32x4.mul(f32x4.mul(f32x4.splat(factor), v128.load(factors)), g);
      const first = f64x2.promote_low_f32x4(u);
      const second = f64x2.promote_low_f32x4(i64x2.shuffle(u, u, 1, 0));
      low = f64x2.add(low, f64x2.mul(first, first));
      high = f64x2.add(high, f64x2.mul(second, second));
      at += 16;
      factors += 16;
    }
    let sum =
      f64x2.extract_lane(low, 0) +
      f64x2.extract_lane(low, 1) +
      (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
    for (let column = whole; column < columns; column++) {
      const g = meanOf(at, resolution, scale) * clip;
      const u = <f64>(factor * load<f32>(factors) * g);
      sum += u * u;
      at += 4;
      factors += 4;
    }
    total += sum;
    gradients = at;
  }
  return total;
}

/** The update: p = p · shrink - rate · u. */
export function factored(
  parameters: usize,
  gradients: usize,
  rows: u32,
  columns: u32,
  rowFactors: usize,
  columnFactors: usize,
  resolution: f32,
  scale: f32,
  clip: f32,
  shrink: f32,
  rate: f32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    const factor = load<f32>(rowFactors + ((<usize>row) << 2));
    for (let column: u32 = 0; column < columns; column++) {
      const g = meanOf(gradients, resolution, scale) * clip;
      const u = factor * load<f32>(columnFactors + ((<usize>column) << 2)) * g;
      store<f32>(parameters, load<f32>(parameters) * shrink - rate * u);
      gradients += 4;
      parameters += 4;
    }
  }
}

/**
 * The update by a running mean of updates:
 *   m = beta1 · m + gain1 · (rate · u)                   gain1 = 1 - beta1
 *   p = p · shrink - m
 */
export function factoredMean(
  parameters: usize,
  firstMoments: usize,
  gradients: usize,
  rows: u32,
  columns: u32,
  rowFactors: usize,
  columnFactors: usize,
  resolution: f32,
  scale: f32,
  clip: f32,
  shrink: f32,
  rate: f32,
  beta1: f32,
  gain1: f32,
): void {
  for (let row: u32 = 0; row < rows; row++) {
    const factor = load<f32>(rowFactors + ((<usize>row) << 2));
    for (let column: u32 = 0; column < columns; column++) {
      const g = meanOf(gradients, resolution, scale) * clip;
      const u = factor * load<f32>(columnFactors + ((<usize>column) << 2)) * g;
      const m = beta1 * load<f32>(firstMoments) + gain1 * (rate * u);
      store<f32>(firstMoments, m);
      store<f32>(parameters, load<f32>(parameters) * shrink - m);
      gradients += 4;
      parameters += 4;
      firstMoments += 4;
    }
  }
}
