/**
 * One update of an exponential moving average, in place:
 *   a = a - gain · (a - p)                               gain = 1 - decay
 */
export function average(averages: usize, parameters: usize, length: u32, gain: f32): void {
  const vectorsEnd = (<usize>(length & ~3)) << 2;
  const end = (<usize>length) << 2;
  let at: usize = 0;
  for (; at < vectorsEnd; at += 16) {
    const a = v128.load(averages + at);
    const away = f32x4.sub(a, v128.load(parameters + at));
    v128.store(averages + at, f32x4.sub(a, f32x4.mul(f32x4.splat(gain), away)));
  }
  for (; at < end; at += 4) {
    const a = load<f32>(averages + at);
    store<f32>(averages + at, a - gain * (a - load<f32>(parameters + at)));
  }
}
