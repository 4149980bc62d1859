import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCoordinatorFile } from '@ringmaster/base';
import { hashFile, type BlobInfo } from '@ringmaster/data';
import {
  artifactManifestSchema,
  RingmasterError,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import { LocalArtifacts } from './local.js';
import { RemoteArtifacts } from './remote.js';

/** Where artifacts live: what a coordinator tells its workers, with the token that reads and writes them. */
export interface ArtifactsLocation {
  /** Base URL of the coordinator's API. */
  readonly url: string;
  /** The artifact store's directory on the coordinator's host. */
  readonly directory: string;
  /** Id of the cluster, to tell whether `directory` on this host is the same one. */
  readonly cluster: string;
  readonly token: string | null;
}

/** How the store is reached from here. Plain data: a thread opens with it what the main thread has opened. */
export type ArtifactsSource =
  | { readonly kind: 'local'; readonly directory: string; readonly cache: string }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly token: string | null;
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

/**
 * Opens the store.
 * @param cache Directory for temporary files, and for blobs when the store is remote.
 */
export function openArtifacts(location: ArtifactsLocation, cache: string): Artifacts {
  const { url, token, directory } = location;
  return artifactsFrom(
    isSameHome(location)
      ? { kind: 'local', directory, cache }
      : { kind: 'remote', url, token, cache },
  );
}

/** Opens the store again, as it was opened before. */
export function artifactsFrom(source: ArtifactsSource): Artifacts {
  return source.kind === 'local' ? new LocalArtifacts(source) : new RemoteArtifacts(source);
}

/**
 * Path of a local file with these bytes, which were checked. A copy that is damaged is thrown away and fetched again.
 * @throws BLOB_CORRUPT when there is no other; what `fetch` throws
 */
export async function fetchWhole(artifacts: Artifacts, sha256: string): Promise<string> {
  const path = await artifacts.fetch(sha256);
  const found = await hashFile(path);
  if (found === sha256) return path;
  if (await artifacts.discard(sha256)) return fetchWhole(artifacts, sha256);
  throw new RingmasterError('BLOB_CORRUPT', { path, found });
}

/**
 * Reads and checks an artifact's manifest.
 * @throws BLOB_CORRUPT; MODEL_INCOMPLETE when it is the manifest of something else
 */
export async function readManifest(
  artifacts: Artifacts,
  sha256: string,
): Promise<ArtifactManifest> {
  const content = await readFile(await fetchWhole(artifacts, sha256), 'utf8');
  const parsed = artifactManifestSchema.safeParse(parseJson(content));
  if (parsed.success) return parsed.data;
  const reason = `its manifest is invalid: ${parsed.error.issues[0]?.message ?? ''}`;
  throw new RingmasterError('MODEL_INCOMPLETE', { manifest: sha256, reason });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Writes a manifest, last of its artifact's files, and returns the artifact's id. */
export async function putManifest(
  artifacts: Artifacts,
  manifest: ArtifactManifest,
): Promise<string> {
  const content = Buffer.from(JSON.stringify(artifactManifestSchema.parse(manifest)));
  return (await artifacts.put([content])).sha256;
}

/** Whether a directory of blobs is that of a home on this host; where it is not, the API serves them. */
function isSameHome({ directory, cluster }: ArtifactsLocation): boolean {
  const coordinator = join(directory, '..', 'coordinator.json');
  return readCoordinatorFile({ coordinator })?.cluster === cluster;
}
