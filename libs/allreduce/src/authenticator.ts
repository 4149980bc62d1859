import { z85 } from '@ringmaster/base';
import { type Context, Reply } from 'zeromq';

/** The ZAP handler of a context (ZeroMQ RFC 27): the client keys that each domain allows, a domain per listening socket. */
export class Authenticator {
  readonly #allowed = new Map<string, ReadonlySet<string>>();
  readonly #socket: Reply;
  readonly #done: Promise<void>;

  private constructor(socket: Reply) {
    this.#socket = socket;
    this.#done = this.#answer();
  }

  static async start(context: Context): Promise<Authenticator> {
    const socket = new Reply({ context, linger: 0 });
    await socket.bind('inproc://zeromq.zap.01');
    return new Authenticator(socket);
  }

  allow(domain: string, publicKeys: readonly string[]): void {
    this.#allowed.set(domain, new Set(publicKeys));
  }

  revoke(domain: string): void {
    this.#allowed.delete(domain);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#done;
  }

  async #answer(): Promise<void> {
    for await (const [version, request, domain, , , mechanism, key] of this.#socket) {
      const known =
        mechanism?.toString() === 'CURVE' &&
        key?.byteLength === 32 &&
        this.#allowed.get(domain?.toString() ?? '')?.has(z85(key)) === true;
      const verdict = known ? ['200', 'OK'] : ['400', 'unknown key'];
      await this.#socket.send([version ?? null, request ?? null, ...verdict, '', '']);
    }
  }
}
