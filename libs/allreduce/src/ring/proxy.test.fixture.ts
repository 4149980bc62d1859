/**
 * A TCP proxy that stands between two processes and does what networks do: it delays, cuts, falls silent, and alters
 * bytes. Put its `endpoint` where the target's was.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** `tcp://127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that have passed towards the target. */
  #passed = 0;
  #flip: { readonly at: number; readonly mask: number } | undefined;
  #delayMs = 0;
  #silent = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.endpoint = `tcp://127.0.0.1:${port}`;
  }

  /** @param target `tcp://HOST:PORT` */
  static async start(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    // Half-open, so that each end is passed on by itself, and paused until the other side is there.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a proxy has a TCP port');
    const proxy = new TcpProxy(server, address.port);
    server.on('connection', (client) => {
      proxy.#join(client, connect({ host: hostname, port: Number(port), allowHalfOpen: true }));
    });
    return proxy;
  }

  /** Lets every piece arrive that much later, both ways. */
  delay(milliseconds: number): void {
    this.#delayMs = milliseconds;
  }

  /** Forwards nothing more, both ways, but keeps the connections open. */
  fallSilent(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends `fallSilent`; nothing is lost. */
  speak(): void {
    this.#silent = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Resets all connections, and refuses new ones. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Alters one byte on its way to the target: the one after `skip` more bytes, by exclusive or with `mask`. */
  flip(skip: number, mask: number): void {
    this.#flip = { at: this.#passed + skip, mask };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #join(client: Socket, target: Socket): void {
    this.#forward(client, target, (piece) => this.#alter(piece));
    this.#forward(target, client, (piece) => piece);
  }

  #forward(from: Socket, to: Socket, alter: (piece: Buffer) => Buffer): void {
    this.#sockets.add(from);
    from.on('data', (piece: Buffer) => {
      const altered = alter(piece);
      this.#later(() => {
        // What the receiver does not take is not read either: room runs out on both sides.
        if (to.write(altered) || to.destroyed) return;
        from.pause();
        to.once('drain', () => {
          if (!this.#silent) from.resume();
        });
      });
    });
    from.on('end', () => {
      this.#later(() => to.end());
    });
    // A reset on one side is one on the other.
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      this.#sockets.delete(from);
    });
    if (this.#silent) from.pause();
    else from.resume();
  }

  #later(work: () => void): void {
    if (this.#delayMs === 0) work();
    else setTimeout(work, this.#delayMs);
  }

  #alter(piece: Buffer): Buffer {
    const start = this.#passed;
    this.#passed += piece.byteLength;
    const { at = -1, mask = 0 } = this.#flip ?? {};
    if (at < start || at >= this.#passed) return piece;
    this.#flip = undefined;
    const altered = Buffer.from(piece);
    altered[at - start] = (altered[at - start] ?? 0) ^ mask;
    return altered;
  }
}
