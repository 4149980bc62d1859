import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

export interface Piece {
  readonly name: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Writes a stream to files of at most `limit` bytes in `directory`, `piece-000` and so on. */
export async function writePieces(
  chunks: AsyncIterable<Buffer>,
  directory: string,
  limit: number,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let current: Writer | null = null;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      current ??= await Writer.open(directory, `piece-${String(pieces.length).padStart(3, '0')}`);
      const part = chunk.subarray(from, from + limit - current.bytes);
      await current.write(part);
      from += part.length;
      if (current.bytes === limit) {
        pieces.push(await current.close());
        current = null;
      }
    }
  }
  if (current !== null) pieces.push(await current.close());
  return pieces;
}

class Writer {
  readonly #name: string;
  readonly #file: Awaited<ReturnType<typeof open>>;
  readonly #hash = createHash('sha256');
  bytes = 0;

  private constructor(name: string, file: Awaited<ReturnType<typeof open>>) {
    this.#name = name;
    this.#file = file;
  }

  static async open(directory: string, name: string): Promise<Writer> {
    return new Writer(name, await open(join(directory, name), 'w'));
  }

  async write(part: Buffer): Promise<void> {
    await this.#file.writeFile(part);
    this.#hash.update(part);
    this.bytes += part.length;
  }

  async close(): Promise<Piece> {
    await this.#file.close();
    return { name: this.#name, bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }
}
