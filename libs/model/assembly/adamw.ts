import { meanOf, meansOf } from './gradient';

/**
 * AdamW with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2), in place:
 *   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
 *   m = beta1 · m + gain1 · g                            gain1 = 1 - beta1
 *   v = beta2 · v + gain2 · (g · g)                      gain2 = 1 - beta2
 *   p = p · shrink - rate · (m / (√v · root + epsilon))  shrink = 1 - learning rate · decay,
 *                                                        rate = learning rate / (1 - beta1^t), root = 1 / √(1 - beta2^t)
 */
export function adamw(
  parameters: usize,
  firstMoments: usize,
  secondMoments: usize,
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
  root: f32,
  epsilon: f32,
): void {
  const vectorsEnd = (<usize>(length & ~3)) << 2;
  const end = (<usize>length) << 2;
  let at: usize = 0;
  for (; at < vectorsEnd; at += 16) {
    const mean = meansOf(gradients + at, resolution, scale);
    const g = f32x4.mul(mean, f32x4.splat(clip));
    const m = f32x4.add(
      f32x4.mul(f32x4.splat(beta1), v128.load(firstMoments + at)),
      f32x4.mul(f32x4.splat(gain1), g),
    );
    const v = f32x4.add(
      f32x4.mul(f32x4.splat(beta2), v128.load(secondMoments + at)),
      f32x4.mul(f32x4.splat(gain2), f32x4.mul(g, g)),
    );
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(v), f32x4.splat(root)), f32x4.splat(epsilon));
    const p = f32x4.sub(
      f32x4.mul(v128.load(parameters + at), f32x4.splat(shrink)),
      f32x4.mul(f32x4.splat(rate), f32x4.div(m, divisor)),
    );
    v128.store(firstMoments + at, m);
    v128.store(secondMoments + at, v);
    v128.store(parameters + at, p);
  }
  for (; at < end; at += 4) {
    const g = meanOf(gradients + at, resolution, scale) * clip;
    const m = beta1 * load<f32>(firstMoments + at) + gain1 * g;
    const v = beta2 * load<f32>(secondMoments + at) + gain2 * (g * g);
    const divisor = sqrt<f32>(v) * root + epsilon;
    store<f32>(firstMoments + at, m);
    store<f32>(secondMoments + at, v);
    store<f32>(parameters + at, load<f32>(parameters + at) * shrink - rate * (m / divisor));
  }
}
