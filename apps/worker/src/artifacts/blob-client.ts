import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { exchange, jsonOf } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ArtifactsSource } from './types.js';

/** Longest that the coordinator may take to say whether it has a blob. */
const ANSWER_MS = 30_000;

/** The least that a way to the coordinator has to carry, beyond which it counts as none. */
const SLOWEST_BYTES_PER_SECOND = 500_000;

const diskFullSchema = z.object({
  code: z.literal('DISK_FULL'),
  detail: z.object({ path: z.string() }),
});

type Remote = Pick<Extract<ArtifactsSource, { kind: 'remote' }>, 'url' | 'token' | 'fingerprint'>;

/** Blobs over the coordinator's API. @throws COORDINATOR_UNREACHABLE, CERTIFICATE_REFUSED, UNAUTHORIZED, SCOPE_MISSING */
export class BlobClient {
  readonly #url: string;
  readonly #fingerprint: string | null;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, token, fingerprint }: Remote) {
    this.#url = url;
    this.#fingerprint = fingerprint;
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** Bytes of a blob that the coordinator has, or null. */
  async size(sha256: string): Promise<number | null> {
    const answer = await this.#request('HEAD', sha256, AbortSignal.timeout(ANSWER_MS));
    answer.resume();
    return answer.statusCode === 404 ? null : Number(answer.headers['content-length']);
  }

  /** The bytes of a blob as they come, not checked yet. @throws BLOB_MISSING */
  async *get(sha256: string): AsyncIterable<Uint8Array> {
    const answer = await this.#request('GET', sha256);
    if (answer.statusCode === 404) {
      answer.resume();
      throw new RingmasterError('BLOB_MISSING', { sha256 });
    }
    try {
      yield* answer as AsyncIterable<Uint8Array>;
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
      (await this.#request('PUT', sha256, signal, body)).resume();
    } finally {
      body.destroy();
    }
  }

  async #request(
    method: 'HEAD' | 'GET' | 'PUT',
    sha256: string,
    signal: AbortSignal | null = null,
    body: Readable | null = null,
  ): Promise<IncomingMessage> {
    const headers: Readonly<Record<string, string>> =
      body === null
        ? this.#headers
        : { ...this.#headers, 'content-type': 'application/octet-stream' };
    const fingerprint = this.#fingerprint;
    const sent = { method, headers, body, signal, fingerprint, answerMs: null };
    const url = new URL(`${this.#url}/v1/blobs/${sha256}`);
    const answer = await exchange(url, sent).catch((cause: unknown) => {
      throw RingmasterError.is(cause, 'CERTIFICATE_REFUSED') ? cause : this.#unreachable(cause);
    });
    const { statusCode = 0 } = answer;
    if (statusCode < 300 || (statusCode === 404 && method !== 'PUT')) return answer;
    const told = await jsonOf(answer);
    if (statusCode === 401) throw new RingmasterError('UNAUTHORIZED', {});
    if (statusCode === 403) throw new RingmasterError('SCOPE_MISSING', { need: 'join' });
    const reason = `${method} of blob ${sha256} was answered with ${statusCode}`;
    if (statusCode < 500) throw new RingmasterError('INTERNAL', { reason });
    const full = diskFullSchema.safeParse(told);
    if (full.success) throw new RingmasterError('DISK_FULL', full.data.detail);
    throw this.#unreachable(new Error(reason));
  }

  #unreachable(cause: unknown): RingmasterError {
    return new RingmasterError('COORDINATOR_UNREACHABLE', { url: this.#url }, { cause });
  }
}
