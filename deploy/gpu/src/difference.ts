/** Largest absolute difference of two files of float32, over the largest magnitude in the second; NaN where either has one. */
export function differenceOf(one: Buffer, other: Buffer): number {
  const [x, y] = [floats(one), floats(other)];
  if (x.length !== y.length) throw new Error(`${x.length} numbers are compared with ${y.length}`);
  let [largest, difference] = [0, 0];
  for (const [index, value] of x.entries()) {
    const reference = y[index] ?? NaN;
    const apart = Math.abs(value - reference);
    if (Number.isNaN(apart)) return NaN;
    difference = Math.max(difference, apart);
    largest = Math.max(largest, Math.abs(reference));
  }
  return difference / largest;
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  );
}
