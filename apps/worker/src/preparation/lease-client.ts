import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { exchange, jsonOf } from '@ringmaster/base';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';

export type LeaseLocation = Pick<ArtifactsLocation, 'url' | 'token' | 'fingerprint'>;

/** A lease of a task at the coordinator's API. What it throws says in words why there is no more to be had. */
export class LeaseClient {
  readonly #location: LeaseLocation;
  readonly #lease: string;
  readonly #signal: AbortSignal;

  /** @param signal Ends whatever goes on. */
  constructor(location: LeaseLocation, lease: string, signal: AbortSignal) {
    this.#location = location;
    this.#lease = lease;
    this.#signal = signal;
  }

  /** The task, as it was packed. */
  async task(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.#get('')) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The bytes of an input as they come, not checked yet. */
  input(sha256: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#get(`/inputs/${sha256}`);
  }

  async putPart(sha256: string, path: string): Promise<void> {
    await this.#put(`/parts/${sha256}`, path);
  }

  async putAnswer(path: string): Promise<void> {
    await this.#put('/answer', path);
  }

  async #get(what: string): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#request('GET', what, null)) as AsyncIterable<Uint8Array>;
  }

  async #put(what: string, path: string): Promise<void> {
    (await this.#request('PUT', what, path)).resume();
  }

  async #request(
    method: 'GET' | 'PUT',
    what: string,
    path: string | null,
  ): Promise<IncomingMessage> {
    const { url, token, fingerprint } = this.#location;
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(path === null
        ? {}
        : {
            'content-type': 'application/octet-stream',
            'content-length': String((await stat(path)).size),
          }),
    };
    const body = path === null ? null : createReadStream(path, { highWaterMark: 1024 * 1024 });
    const signal = this.#signal;
    const sent = { method, headers, body, signal, fingerprint, answerMs: null };
    const answer = await exchange(new URL(`${url}/v1/tasks/${this.#lease}${what}`), sent);
    const { statusCode = 0 } = answer;
    if (statusCode < 300) return answer;
    const told = await jsonOf(answer);
    const message = typeof told === 'object' && told !== null && 'message' in told;
    throw new Error(message ? String(told.message) : `the coordinator answered ${statusCode}`);
  }
}
