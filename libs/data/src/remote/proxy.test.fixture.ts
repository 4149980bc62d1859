import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';

/** A proxy on loopback that passes on so many bytes of the answers of a connection, and then ends it. */
export class Proxy {
  readonly url: string;
  brokenOff = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: string, { most }: { most: number }): Promise<Proxy> {
    const { hostname, port } = new URL(target);
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      let passed = 0;
      near.pipe(far);
      far.on('data', (chunk: Buffer) => {
        passed += chunk.length;
        if (passed < most) near.write(chunk);
        else if (!near.writableEnded) {
          started.brokenOff++;
          near.end();
          far.destroy();
        }
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new Proxy(server);
    return started;
  }

  async end(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
