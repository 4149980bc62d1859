import { meanOf, meansOf } from './gradient';

/**
 * Stochastic gradient descent, in place:
 *   g = float32(gradient) · resolution · scale · clip    gradient int32, resolution = 2^-exponent, scale = 1 / count
 *   g = g + decay · p
 *   p = p - rate · g
 */
export function sgd(
  parameters: usize,
  gradients: usize,
  length: u32,
  resolution: f32,
  scale: f32,
  clip: f32,
  decay: f32,
  rate: f32,
): void {
  const vectorsEnd = (<usize>(length & ~3)) << 2;
  const end = (<usize>length) << 2;
  let at: usize = 0;
  for (; at < vectorsEnd; at += 16) {
    const mean = meansOf(gradients + at, resolution, scale);
    const before = v128.load(parameters + at);
    const g = f32x4.add(f32x4.mul(mean, f32x4.splat(clip)), f32x4.mul(f32x4.splat(decay), before));
    v128.store(parameters + at, f32x4.sub(before, f32x4.mul(f32x4.splat(rate), g)));
  }
  for (; at < end; at += 4) {
    const before = load<f32>(parameters + at);
    const g = meanOf(gradients + at, resolution, scale) * clip + decay * before;
    store<f32>(parameters + at, before - rate * g);
  }
}

/**
 * Stochastic gradient descent with momentum (Sutskever et al., 2013, in PyTorch's form), in place:
 *   g = float32(gradient) · resolution · scale · clip + decay · p
 *   v = momentum · v + g
 *   p = p - rate · (ahead · g + carried · v)             (ahead, carried) = (0, 1), or Nesterov's (1, momentum)
 */
export function momentum(
  parameters: usize,
  velocities: usize,
  gradients: usize,
  length: u32,
  resolution: f32,
  scale: f32,
  clip: f32,
  momentum: f32,
  decay: f32,
  rate: f32,
  ahead: f32,
  carried: f32,
): void {
  const vectorsEnd = (<usize>(length & ~3)) << 2;
  const end = (<usize>length) << 2;
  let at: usize = 0;
  for (; at < vectorsEnd; at += 16) {
    const mean = meansOf(gradients + at, resolution, scale);
    const before = v128.load(parameters + at);
    const g = f32x4.add(f32x4.mul(mean, f32x4.splat(clip)), f32x4.mul(f32x4.splat(decay), before));
    const v = f32x4.add(f32x4.mul(f32x4.splat(momentum), v128.load(velocities + at)), g);
    const direction = f32x4.add(
      f32x4.mul(f32x4.splat(ahead), g),
      f32x4.mul(f32x4.splat(carried), v),
    );
    v128.store(velocities + at, v);
    v128.store(parameters + at, f32x4.sub(before, f32x4.mul(f32x4.splat(rate), direction)));
  }
  for (; at < end; at += 4) {
    const before = load<f32>(parameters + at);
    const g = meanOf(gradients + at, resolution, scale) * clip + decay * before;
    const v = momentum * load<f32>(velocities + at) + g;
    store<f32>(velocities + at, v);
    store<f32>(parameters + at, before - rate * (ahead * g + carried * v));
  }
}
