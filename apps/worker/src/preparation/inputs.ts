import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of inputs that no task reads and that are kept for the next: parts are read twice, tokenizers by every task. */
const KEPT_BYTES = 64 * 1024 * 1024;

interface Input {
  readonly ready: Promise<void>;
  readonly bytes: number;
  /** Tasks that read it. */
  users: number;
}

/** Inputs of tasks as files in a directory, each named by its SHA-256 and fetched once for all tasks that read it. */
export class Inputs {
  readonly #directory: string;
  /** The one that was wanted longest ago first. */
  readonly #all = new Map<string, Input>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(sha256: string): string {
    return join(this.#directory, sha256);
  }

  /**
   * Has an input there until it is released.
   * @throws what `fetch` throws; Error where its bytes are others
   */
  async take(
    sha256: string,
    bytes: number,
    fetch: () => Promise<AsyncIterable<Uint8Array>>,
  ): Promise<void> {
    const known = this.#all.get(sha256);
    const input = known ?? { ready: write(this.path(sha256), sha256, fetch), bytes, users: 0 };
    this.#all.delete(sha256);
    this.#all.set(sha256, input);
    input.users++;
    try {
      await input.ready;
    } catch (error) {
      if (this.#all.get(sha256) === input) this.#all.delete(sha256);
      // Whoever has begun to fetch it may have been ended, which is nobody else's matter.
      if (known === undefined) throw error;
      await this.take(sha256, bytes, fetch);
    }
  }

  release(sha256: string): void {
    const input = this.#all.get(sha256);
    if (input === undefined) return;
    input.users--;
    const unused = [...this.#all].filter(([, { users }]) => users === 0);
    let kept = unused.reduce((sum, [, each]) => sum + each.bytes, 0);
    for (const [name, each] of unused) {
      if (kept <= KEPT_BYTES) break;
      kept -= each.bytes;
      this.#all.delete(name);
      rmSync(this.path(name), { force: true });
    }
  }
}

async function write(
  path: string,
  sha256: string,
  fetch: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for await (const chunk of await fetch()) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== sha256) throw new Error(`input ${sha256} came with other bytes`);
}
