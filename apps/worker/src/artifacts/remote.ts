import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStore, type BlobInfo } from '@ringmaster/data';
import { artifactManifestSchema, RingmasterError } from '@ringmaster/protocol';
import { BlobClient } from './blob-client.js';
import type { Artifacts, ArtifactsSource } from './types.js';

/** Age at which what was never delivered is given up: its makers are long gone. */
const UNDELIVERED_MS = 7 * 24 * 60 * 60_000;

/** The coordinator's store over HTTP, with a cache of what was fetched, and beside it what is still to be delivered. */
export class RemoteArtifacts implements Artifacts {
  readonly source: Extract<ArtifactsSource, { kind: 'remote' }>;
  readonly scratch: string;
  readonly #coordinator: BlobClient;
  readonly #fetched: BlobStore;
  readonly #made: BlobStore;
  #swept = false;

  constructor(source: Extract<ArtifactsSource, { kind: 'remote' }>) {
    this.source = source;
    this.scratch = join(source.cache, 'scratch');
    this.#coordinator = new BlobClient(source);
    this.#fetched = new BlobStore(source.cache);
    this.#made = new BlobStore(join(source.cache, 'undelivered'));
  }

  async fetch(sha256: string): Promise<string> {
    // What is used is renewed: what nobody uses is the first to go when room is wanted.
    if ((await this.#fetched.renew(sha256)) !== null) return this.#fetched.path(sha256);
    if (await this.#made.has(sha256)) return this.#made.path(sha256);
    await this.#fetched.putStream(this.#coordinator.get(sha256), sha256);
    return this.#fetched.path(sha256);
  }

  async discard(sha256: string): Promise<boolean> {
    const holders = [];
    for (const store of [this.#fetched, this.#made]) {
      if (await store.has(sha256)) holders.push(store);
    }
    for (const store of holders) await store.remove(sha256);
    return holders.length > 0;
  }

  async put(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    await this.#sweep();
    return this.#made.putStream(chunks);
  }

  async deliver(manifest: string): Promise<void> {
    const files = await this.#filesOf(manifest);
    for (const blob of files.slice(0, -1)) await this.#send(blob);
    // Those that took long may have been taken for left behind: asking for each makes it young again, or sends it anew.
    for (const blob of files) await this.#send(blob);
    for (const { sha256 } of files) await this.#made.remove(sha256);
  }

  async isDelivered(manifest: string): Promise<boolean> {
    return !(await this.#made.has(manifest));
  }

  async forget(manifest: string): Promise<void> {
    for (const { sha256 } of await this.#filesOf(manifest)) await this.#made.remove(sha256);
  }

  /** The blobs of an artifact in the order in which they are sent; of one that is not here, its manifest alone. */
  async #filesOf(manifest: string): Promise<readonly Part[]> {
    const content = await ifThere(readFile(this.#made.path(manifest)));
    if (content === null) return [{ sha256: manifest, bytes: null }];
    const { files } = artifactManifestSchema.parse(JSON.parse(content.toString()));
    return [...Object.values(files), { sha256: manifest, bytes: content.length }];
  }

  async #send({ sha256, bytes }: Part): Promise<void> {
    const there = await this.#coordinator.size(sha256);
    if (there !== null && there === (bytes ?? there)) return;
    const file = await ifThere(open(this.#made.path(sha256)));
    if (file === null) {
      // Somebody else here may have delivered it at this moment.
      if ((await this.#coordinator.size(sha256)) !== null) return;
      throw new RingmasterError('BLOB_MISSING', { sha256 });
    }
    try {
      await this.#coordinator.put(sha256, file);
    } finally {
      await file.close();
    }
  }

  async #sweep(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    for await (const { sha256, putMs } of this.#made.list()) {
      if (Date.now() - putMs > UNDELIVERED_MS) await this.#made.remove(sha256);
    }
  }
}

/** A blob of an artifact; its size is not known when the manifest is elsewhere. */
interface Part {
  readonly sha256: string;
  readonly bytes: number | null;
}

async function ifThere<Result>(reading: Promise<Result>): Promise<Result | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
