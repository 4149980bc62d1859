import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import { hashFile } from '@ringmaster/data';
import {
  artifactManifestSchema,
  RingmasterError,
  type ArtifactManifest,
} from '@ringmaster/protocol';
import { LocalArtifacts } from './local.js';
import { RemoteArtifacts } from './remote.js';
import type { Artifacts, ArtifactsSource } from './types.js';

/** Where artifacts live: what a coordinator tells its workers, with the token that reads and writes them. */
export interface ArtifactsLocation {
  /** Base URL of the coordinator's API. */
  readonly url: string;
  /** The artifact store's directory on the coordinator's host. */
  readonly directory: string;
  /** Id of the cluster, to tell whether `directory` on this host is the same one. */
  readonly cluster: string;
  readonly token: string | null;
  /** SHA-256 of the API's certificate; null where it is not pinned, or there is none. */
  readonly fingerprint: string | null;
}

/**
 * Opens the store.
 * @param cache Directory for temporary files, and for blobs when the store is remote.
 */
export function openArtifacts(location: ArtifactsLocation, cache: string): Artifacts {
  const { url, token, fingerprint, directory } = location;
  return artifactsFrom(
    isSameHome(location)
      ? { kind: 'local', directory, cache }
      : { kind: 'remote', url, token, fingerprint, cache },
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
