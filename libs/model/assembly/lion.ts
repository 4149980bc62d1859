import { meanOf, meansOf } from './gradient';

/**
 * Lion (Chen et al., 2023), in place:
 *   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
 *   d = sign(beta1 · m + gain1 · g)                      gain1 = 1 - beta1; 0 where that is zero
 *   p = p · shrink - rate · d                            shrink = 1 - rate · decay where weights decay, else 1
 *   m = beta2 · m + gain2 · g                            gain2 = 1 - beta2
 */
export function lion(
  parameters: usize,
  firstMoments: usize,
  gradients: usize,
  length: u32,
  resolution: f32,
  scale: f32,
  clip: f32,
  beta1: f32,
  gain1: f32,
  beta2: f32,
  gain2: f32,
  shrink: f32,
  rate: f32,
): void {
  const vectorsEnd = (<usize>(length & ~3)) << 2;
  const end = (<usize>length) << 2;
  const zero = f32x4.splat(0);
  let at: usize = 0;
  for (; at < vectorsEnd; at += 16) {
    const g = f32x4.mul(meansOf(gradients + at, resolution, scale), f32x4.splat(clip));
    const m = v128.load(firstMoments + at);
    const d = f32x4.add(f32x4.mul(f32x4.splat(beta1), m), f32x4.mul(f32x4.splat(gain1), g));
    const up = v128.and(f32x4.gt(d, zero), f32x4.splat(rate));
    const down = v128.and(f32x4.lt(d, zero), f32x4.splat(rate));
    const kept = f32x4.mul(v128.load(parameters + at), f32x4.splat(shrink));
    v128.store(parameters + at, f32x4.sub(kept, f32x4.sub(up, down)));
    v128.store(
      firstMoments + at,
      f32x4.add(f32x4.mul(f32x4.splat(beta2), m), f32x4.mul(f32x4.splat(gain2), g)),
    );
  }
  for (; at < end; at += 4) {
    const g = meanOf(gradients + at, resolution, scale) * clip;
    const m = load<f32>(firstMoments + at);
    const d = beta1 * m + gain1 * g;
    const step: f32 = (d > 0 ? rate : 0) - (d < 0 ? rate : 0);
    store<f32>(parameters + at, load<f32>(parameters + at) * shrink - step);
    store<f32>(firstMoments + at, beta2 * m + gain2 * g);
  }
}
