import { join } from 'node:path';
import { BlobStore, type BlobInfo } from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';
import type { Artifacts, ArtifactsSource } from './types.js';

/** The coordinator's own directory, on its host or on a file system that is shared with it. */
export class LocalArtifacts implements Artifacts {
  readonly source: Extract<ArtifactsSource, { kind: 'local' }>;
  readonly scratch: string;
  readonly #store: BlobStore;

  constructor(source: Extract<ArtifactsSource, { kind: 'local' }>) {
    this.source = source;
    this.scratch = join(source.cache, 'scratch');
    this.#store = new BlobStore(source.directory);
  }

  async fetch(sha256: string): Promise<string> {
    if (!(await this.#store.has(sha256))) throw new RingmasterError('BLOB_MISSING', { sha256 });
    return this.#store.path(sha256);
  }

  /** There is only the one. */
  discard(): Promise<boolean> {
    return Promise.resolve(false);
  }

  put(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    return this.#store.putStream(chunks);
  }

  /** What is put is delivered. */
  deliver(): Promise<void> {
    return Promise.resolve();
  }

  isDelivered(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** What was put may be part of other artifacts too; the coordinator removes it when nothing refers to it. */
  forget(): Promise<void> {
    return Promise.resolve();
  }
}
