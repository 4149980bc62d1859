import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server on loopback, with what it was asked for. */
export class WebServer {
  readonly url: string;
  readonly asked: { readonly path: string; readonly range: string | undefined }[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param paths What it answers, by path; anything else with 404. */
  static async start(paths: Readonly<Record<string, Handler>>): Promise<WebServer> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '', 'http://host').pathname;
      started.asked.push({ path, range: request.headers.range });
      const handler = paths[path];
      if (handler === undefined) response.writeHead(404).end();
      else handler(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new WebServer(server);
    return started;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Time in which a client reads what has come before the connection ends: what it has not read then is lost to it. */
const READ_MS = 50;

/** Serves bytes, also from a byte on; breaks each answer off after so many. */
export function serve(content: Buffer, { tag = '"1"', most = Infinity } = {}): Handler {
  return ({ headers }, response) => {
    const asked = /^bytes=(\d+)-$/.exec(headers.range ?? '');
    const isSame = headers['if-range'] === undefined || headers['if-range'] === tag;
    const from = asked !== null && isSame ? Number(asked[1]) : 0;
    const length = content.length - from;
    response.writeHead(from === 0 ? 200 : 206, {
      etag: tag,
      'content-length': length,
      ...(from === 0
        ? {}
        : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const sent = content.subarray(from, Math.min(content.length, from + most));
    if (sent.length === length) response.end(sent);
    else response.write(sent, () => setTimeout(() => response.socket?.end(), READ_MS));
  };
}
