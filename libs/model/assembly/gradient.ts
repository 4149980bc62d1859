// The float32 gradients that the int32 ones in the arena stand for. The compiler puts these into the loops that call them.

/** float32(gradients[k]) · resolution · scale of four elements, each product rounded. */
export function meansOf(gradients: usize, resolution: f32, scale: f32): v128 {
  const floats = f32x4.convert_i32x4_s(v128.load(gradients));
  return f32x4.mul(f32x4.mul(floats, f32x4.splat(resolution)), f32x4.splat(scale));
}

/** The same of one element. */
export function meanOf(gradients: usize, resolution: f32, scale: f32): f32 {
  return <f32>load<i32>(gradients) * resolution * scale;
}
