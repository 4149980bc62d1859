import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

/** Name of the state among a checkpoint's files. */
export const STATE_FILE = 'state';

/** Bytes that are read and hashed at a time, in a few milliseconds. */
const STRIDE = 4 * 1024 * 1024;

/**
 * A state as a file: the header's length in bytes (uint32, little-endian), the header (UTF-8), the bytes. These are
 * what the state hash is taken of (`stateHash`), so the SHA-256 of the file is the state hash.
 */
export async function* stateFile(
  header: string,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const text = Buffer.from(header);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  yield length;
  yield text;
  yield* bytes;
}

/**
 * Reads a state's file, of any size, into place.
 * @param parts Where the bytes go; they are overwritten while their hash is not known yet.
 * @throws Error when the file cannot be one of a state of this size
 */
export async function readStateFile(
  path: string,
  parts: readonly Uint8Array[],
): Promise<{ readonly header: string; readonly sha256: string }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Buffer.alloc(4);
    await readFully(file, length, 0);
    const headerLength = length.readUInt32LE();
    const start = 4 + headerLength;
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (start + bytes !== size) throw new Error('it has another size than the state');
    const header = Buffer.alloc(headerLength);
    await readFully(file, header, 4);
    const hash = createHash('sha256').update(length).update(header);
    let position = start;
    for (const part of parts)
      for (let at = 0; at < part.length; at += STRIDE) {
        const stride = part.subarray(at, at + STRIDE);
        await readFully(file, stride, position);
        hash.update(stride);
        position += stride.length;
      }
    return { header: header.toString(), sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new Error('it ends too early');
    done += bytesRead;
  }
}
