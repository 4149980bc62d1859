import type { FileHandle } from 'node:fs/promises';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

/** Longest that the coordinator may take to say whether it has a blob. */
const ANSWER_MS = 30_000;

/** The least that a way to the coordinator has to carry, beyond which it counts as none. */
const SLOWEST_BYTES_PER_SECOND = 500_000;

const diskFullSchema = z.object({
  code: z.literal('DISK_FULL'),
  detail: z.object({ path: z.string() }),
});

interface Upload {
  readonly body: AsyncIterable<Uint8Array>;
  readonly duplex: 'half';
}

/** Blobs over the coordinator's API. @throws COORDINATOR_UNREACHABLE, UNAUTHORIZED */
export class BlobClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, token: string | null) {
    this.#url = url;
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** Bytes of a blob that the coordinator has, or null. */
  async size(sha256: string): Promise<number | null> {
    const response = await this.#request('HEAD', sha256, AbortSignal.timeout(ANSWER_MS));
    return response.status === 404 ? null : Number(response.headers.get('content-length'));
  }

  /** The bytes of a blob as they come, not checked yet. @throws BLOB_MISSING */
  async *get(sha256: string): AsyncIterable<Uint8Array> {
    const response = await this.#request('GET', sha256);
    if (response.status === 404) throw new RingmasterError('BLOB_MISSING', { sha256 });
    try {
      yield* (response.body ?? []) as AsyncIterable<Uint8Array>;
    } catch (cause) {
      throw this.#unreachable(cause);
    }
  }

  /** Uploads a file. @throws DISK_FULL of the coordinator's disk */
  async put(sha256: string, file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const signal = AbortSignal.timeout(
      ANSWER_MS + Math.ceil((1000 * size) / SLOWEST_BYTES_PER_SECOND),
    );
    const body = file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 });
    try {
      await this.#request('PUT', sha256, signal, { body, duplex: 'half' });
    } finally {
      body.destroy();
    }
  }

  async #request(
    method: 'HEAD' | 'GET' | 'PUT',
    sha256: string,
    signal?: AbortSignal,
    upload?: Upload,
  ): Promise<Response> {
    const response = await fetch(`${this.#url}/v1/blobs/${sha256}`, {
      method,
      headers:
        upload === undefined
          ? this.#headers
          : { ...this.#headers, 'content-type': 'application/octet-stream' },
      signal: signal ?? null,
      ...upload,
    }).catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
    if (response.ok || (response.status === 404 && method !== 'PUT')) return response;
    if (response.status === 401) throw new RingmasterError('UNAUTHORIZED', {});
    const reason = `${method} of blob ${sha256} was answered with ${response.status}`;
    if (response.status < 500) throw new RingmasterError('INTERNAL', { reason });
    const full = diskFullSchema.safeParse(await response.json().catch(() => null));
    if (full.success) throw new RingmasterError('DISK_FULL', full.data.detail);
    throw this.#unreachable(new Error(reason));
  }

  #unreachable(cause: unknown): RingmasterError {
    return new RingmasterError('COORDINATOR_UNREACHABLE', { url: this.#url }, { cause });
  }
}
