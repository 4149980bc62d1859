import type { BlobInfo } from '@ringmaster/data';

/** How the store is reached from here. Plain data: a thread opens with it what the main thread has opened. */
export type ArtifactsSource =
  | { readonly kind: 'local'; readonly directory: string; readonly cache: string }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly token: string | null;
      readonly fingerprint: string | null;
      readonly cache: string;
    };

/**
 * The artifact store as a worker sees it: blobs by the SHA-256 of their bytes. On the coordinator's own host the
 * directory is used as it is; elsewhere blobs travel over HTTP. What is fetched is kept in a cache, checked against its
 * hash; what is made here is durable here first, and the coordinator's once it is delivered.
 */
export interface Artifacts {
  readonly source: ArtifactsSource;
  /** Directory for temporary ones. */
  readonly scratch: string;
  /**
   * Path of a local file with these bytes, fetched first when need be.
   * @throws BLOB_MISSING, BLOB_HASH_MISMATCH, COORDINATOR_UNREACHABLE, DISK_FULL
   */
  fetch(sha256: string): Promise<string>;
  /** Forgets the fetched copy of a blob, which is damaged. @returns Whether there is another to fetch. */
  discard(sha256: string): Promise<boolean>;
  /** Makes bytes durable on this host. @throws DISK_FULL, with nothing left behind */
  put(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  /**
   * Brings an artifact that was made here to the coordinator, its manifest last. What is there already is not sent.
   * @throws COORDINATOR_UNREACHABLE, and all is kept for another time; BLOB_MISSING when it is neither here nor there;
   * DISK_FULL of the coordinator's disk
   */
  deliver(manifest: string): Promise<void>;
  /** Whether nothing of an artifact that was made here waits to be delivered. */
  isDelivered(manifest: string): Promise<boolean>;
  /** Gives up an artifact that was made here and is not delivered; one that is delivered stays. */
  forget(manifest: string): Promise<void>;
}
