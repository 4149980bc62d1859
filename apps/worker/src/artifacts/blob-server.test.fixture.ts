import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobStore } from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';

/** A coordinator's blobs over HTTP, from a real store, on a connection that may be cut at any byte. */
export class BlobServer {
  readonly store: BlobStore;
  /** Blobs in the order in which they were put. */
  readonly received: string[] = [];
  /** Bytes after which a connection is cut in the middle of a body. */
  cutAfter = Infinity;
  #server = createServer();
  #port = 0;

  constructor(directory: string) {
    this.store = new BlobStore(directory);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, on the same port as before. */
  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        request.resume();
        if (request.socket.destroyed) return;
        const body = error instanceof RingmasterError ? error.toBody() : {};
        response.writeHead(error instanceof RingmasterError ? error.status : 500);
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sha256 = (request.url ?? '').split('/').at(-1) ?? '';
    if (request.method === 'PUT') {
      const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
      await this.store.putStream(this.#cut(body, request), sha256);
      this.received.push(sha256);
      response.writeHead(201).end('{}');
      return;
    }
    const path = this.store.path(sha256);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new RingmasterError('BLOB_MISSING', { sha256 });
    response.writeHead(200, { 'content-length': size });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    for await (const chunk of this.#cut(createReadStream(path), request)) response.write(chunk);
    response.end();
  }

  async *#cut(chunks: AsyncIterable<Uint8Array>, { socket }: IncomingMessage) {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > this.cutAfter) {
        socket.destroy();
        throw new Error('cut');
      }
      yield chunk;
    }
  }
}
