import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { BlobStore } from '@ringmaster/data';
import {
  artifactManifestSchema,
  coordinatorFileSchema,
  RingmasterError,
  sha256 as hashOf,
  type ArtifactManifest,
} from '@ringmaster/protocol';

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

/**
 * The artifact store as a worker sees it: blobs by the SHA-256 of their bytes. On the coordinator's own host the
 * directory is used as it is; elsewhere blobs travel over HTTP and are kept in a cache, checked against their hash.
 */
export interface Artifacts {
  /** Directory for temporary ones. */
  readonly scratch: string;
  /** Path of a local file with these bytes, fetched first when need be. */
  fetch(sha256: string): Promise<string>;
  /** Makes bytes durable and returns their SHA-256. */
  put(bytes: Uint8Array): Promise<string>;
}

/**
 * Opens the store.
 * @param cache Directory for temporary files, and for fetched blobs when the store is remote.
 */
export async function openArtifacts(
  location: ArtifactsLocation,
  cache: string,
): Promise<Artifacts> {
  const scratch = join(cache, 'scratch');
  if (await isSameHome(location))
    return new LocalArtifacts(new BlobStore(location.directory), scratch);
  return new RemoteArtifacts(location, new BlobStore(cache), scratch);
}

/** Reads and checks an artifact's manifest. */
export async function readManifest(
  artifacts: Artifacts,
  sha256: string,
): Promise<ArtifactManifest> {
  const text = await readFile(await artifacts.fetch(sha256), 'utf8');
  return artifactManifestSchema.parse(JSON.parse(text));
}

/** Writes a manifest, last of its artifact's files, and returns the artifact's id. */
export async function putManifest(
  artifacts: Artifacts,
  manifest: ArtifactManifest,
): Promise<string> {
  return artifacts.put(Buffer.from(JSON.stringify(artifactManifestSchema.parse(manifest))));
}

async function isSameHome(location: ArtifactsLocation): Promise<boolean> {
  try {
    const file = await readFile(join(location.directory, '..', 'coordinator.json'), 'utf8');
    return coordinatorFileSchema.parse(JSON.parse(file)).cluster === location.cluster;
  } catch {
    return false; // Another host, or a directory that is not ours to read: the API serves it.
  }
}

class LocalArtifacts implements Artifacts {
  readonly scratch: string;
  readonly #store: BlobStore;

  constructor(store: BlobStore, scratch: string) {
    this.#store = store;
    this.scratch = scratch;
  }

  async fetch(sha256: string): Promise<string> {
    if (!(await this.#store.has(sha256))) throw new RingmasterError('BLOB_MISSING', { sha256 });
    return this.#store.path(sha256);
  }

  async put(bytes: Uint8Array): Promise<string> {
    return (await this.#store.putBytes(bytes)).sha256;
  }
}

class RemoteArtifacts implements Artifacts {
  readonly scratch: string;
  readonly #location: ArtifactsLocation;
  readonly #cache: BlobStore;

  constructor(location: ArtifactsLocation, cache: BlobStore, scratch: string) {
    this.#location = location;
    this.#cache = cache;
    this.scratch = scratch;
  }

  async fetch(sha256: string): Promise<string> {
    if (!(await this.#cache.has(sha256))) {
      const { body } = await this.#request('GET', sha256);
      if (body === null) throw new RingmasterError('BLOB_MISSING', { sha256 });
      await this.#cache.putStream(Readable.fromWeb(body as ReadableStream<Uint8Array>), sha256);
    }
    return this.#cache.path(sha256);
  }

  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = hashOf(bytes);
    await this.#request('PUT', sha256, bytes);
    return sha256;
  }

  async #request(method: 'GET' | 'PUT', sha256: string, body?: Uint8Array): Promise<Response> {
    const { url, token } = this.#location;
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    };
    let response: Response;
    try {
      response = await fetch(`${url}/v1/blobs/${sha256}`, { method, headers, body: body ?? null });
    } catch (cause) {
      throw new RingmasterError('COORDINATOR_UNREACHABLE', { url }, { cause });
    }
    if (response.status === 404) throw new RingmasterError('BLOB_MISSING', { sha256 });
    if (!response.ok) {
      const reason = `${method} of blob ${sha256} was answered with ${response.status}`;
      throw new RingmasterError('INTERNAL', { reason });
    }
    return response;
  }
}
