const DIGITS =
  '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/**
 * Z85, the text form of CURVE keys (RFC 32 of ZeroMQ).
 * @param bytes As many as a multiple of four.
 */
export function z85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let offset = 0; offset < bytes.byteLength; offset += 4) {
    const word = view.getUint32(offset);
    for (const divisor of [85 ** 4, 85 ** 3, 85 ** 2, 85, 1]) {
      text += DIGITS[Math.floor(word / divisor) % 85] ?? '';
    }
  }
  return text;
}
