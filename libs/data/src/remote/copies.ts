import { mkdir, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';
import type { BlobInfo, BlobStore } from '../blobs/blob-store.js';
import { diskErrors, ifThere, makeDurableDirectory, syncDirectory } from '../blobs/disk.js';
import { isMakerGone, temporaryName } from '../blobs/temporary-name.js';

/** A copy of a remote file. */
export interface Copy {
  readonly path: string;
  /** What its content had when it was fetched. */
  readonly sha256: string;
}

/** Age at which a copy is removed that nobody has used for so long. */
const UNUSED_MS = 7 * 24 * 60 * 60_000;
const NAME = /^([0-9a-f]{64})\.([0-9a-f]{64})$/;

/**
 * Copies of remote files in a home, `sources/ab/KEY.SHA256`: KEY says which version of what it is, and of a pinned file
 * it is its SHA-256. Half of a file is in `sources/partial`, under its key and who is at it; who is gone leaves it to the
 * next one.
 */
export class Copies {
  readonly #root: string;
  readonly #partial: string;
  #known: Promise<Map<string, Copy>> | null = null;

  constructor(store: BlobStore) {
    this.#root = join(store.root, 'sources');
    this.#partial = join(this.#root, 'partial');
  }

  /** The copy that has a key, which is as young as if it were new from now on; null where there is none. */
  async find(key: string): Promise<Copy | null> {
    const copy = (await this.#copies()).get(key);
    if (copy === undefined) return null;
    const now = Date.now() / 1000;
    return utimes(copy.path, now, now).then(
      () => copy,
      () => null, // Somebody has removed it meanwhile.
    );
  }

  /**
   * Has a copy made.
   * @param write Writes the rest of a file behind what there is at a path.
   */
  async make(key: string, write: (path: string) => Promise<BlobInfo>): Promise<Copy> {
    return diskErrors(this.#root, async () => {
      await makeDurableDirectory(this.#partial);
      const own = join(this.#partial, `${key}.${temporaryName()}`);
      await this.#takeOver(key, own);
      try {
        const { sha256 } = await write(own);
        const folder = join(this.#root, key.slice(0, 2));
        await mkdir(folder, { recursive: true });
        const copy = { path: join(folder, `${key}.${sha256}`), sha256 };
        await rename(own, copy.path);
        await syncDirectory(folder);
        (await this.#copies()).set(key, copy);
        return copy;
      } catch (error) {
        // What is left of it is for whoever asks for it next, unless there is no room for it.
        if (RingmasterError.is(error, 'DISK_FULL')) await rm(own, { force: true });
        else await ifThere(rename(own, join(this.#partial, key)));
        throw error;
      }
    });
  }

  /** Removes a copy. */
  async remove(key: string): Promise<void> {
    const copies = await this.#copies();
    const copy = copies.get(key);
    copies.delete(key);
    if (copy !== undefined) await rm(copy.path, { force: true });
  }

  /** Takes what somebody has left of a file. */
  async #takeOver(key: string, own: string): Promise<void> {
    for (const name of await readdir(this.#partial)) {
      if (!name.startsWith(key)) continue;
      const path = join(this.#partial, name);
      const changedMs = (await ifThere(stat(path)))?.mtimeMs ?? Infinity;
      if (name !== key && !isMakerGone(name.slice(key.length + 1), changedMs)) continue;
      if ((await ifThere(rename(path, own).then(() => true))) !== null) return;
    }
  }

  #copies(): Promise<Map<string, Copy>> {
    this.#known ??= this.#read();
    return this.#known;
  }

  async #read(): Promise<Map<string, Copy>> {
    const copies = new Map<string, Copy>();
    for await (const { path, name } of filesIn(this.#root)) {
      const [, key, sha256] = NAME.exec(name) ?? [];
      if (key !== undefined && sha256 !== undefined) copies.set(key, { path, sha256 });
    }
    return copies;
  }
}

/** Removes copies, and parts of some, that nobody has used for a week, or since `newestMs`. */
export async function removeOldCopies(
  store: BlobStore,
  nowMs: number,
  newestMs: number,
): Promise<void> {
  const oldest = Math.min(nowMs - UNUSED_MS, newestMs);
  for await (const { path } of filesIn(join(store.root, 'sources'))) {
    const changedMs = (await ifThere(stat(path)))?.mtimeMs ?? Infinity;
    if (changedMs <= oldest) await ifThere(unlink(path));
  }
}

async function* filesIn(root: string): AsyncGenerator<{ path: string; name: string }> {
  for (const folder of (await ifThere(readdir(root))) ?? [])
    for (const name of (await ifThere(readdir(join(root, folder)))) ?? [])
      yield { path: join(root, folder, name), name };
}
