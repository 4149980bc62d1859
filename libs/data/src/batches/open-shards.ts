import { ShardFile, type ExpectedShard } from '../shards/shard-file.js';

/** Shards that are open at a time, and bytes of memory that they take together. */
const MOST_FILES = 256;
const MOST_BYTES = 32 * 1024 * 1024;

/** The shards that were read last, which stay open; the others are opened again when they are read. */
export class OpenShards {
  readonly #path: (sha256: string) => string;
  readonly #mostFiles: number;
  readonly #open = new Map<string, ShardFile>();
  readonly #seen = new Map<string, ShardFile['seen']>();
  #bytes = 0;

  /** @param path Where the file of a blob is. */
  constructor(path: (sha256: string) => string, mostFiles = MOST_FILES) {
    this.#path = path;
    this.#mostFiles = mostFiles;
  }

  /** @throws DATA_SHARD_INVALID */
  get(expected: ExpectedShard): ShardFile {
    const { sha256 } = expected;
    const known = this.#open.get(sha256);
    if (known !== undefined) {
      this.#open.delete(sha256);
      this.#open.set(sha256, known);
      return known;
    }
    const opened = new ShardFile(this.#path(sha256), expected, this.#seen.get(sha256) ?? null);
    this.#seen.set(sha256, opened.seen);
    this.#open.set(sha256, opened);
    this.#bytes += opened.bytes;
    for (const [oldest, file] of this.#open) {
      if (file === opened) break;
      if (this.#open.size <= this.#mostFiles && this.#bytes <= MOST_BYTES) break;
      this.#open.delete(oldest);
      this.#bytes -= file.bytes;
      file.close();
    }
    return opened;
  }

  /** Closes those that are open. */
  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    this.#bytes = 0;
  }
}
