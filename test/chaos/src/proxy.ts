import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';

/** Chunks below this are handshakes and headers; gradients come in larger ones. */
const PAYLOAD_BYTES = 1024;

/** What the network does to whatever is sent to one worker. */
interface Weather {
  delayMs: number;
  /** Nothing comes through, and nobody is told. */
  silent: boolean;
  /** Bit of the next larger chunk that comes out changed, or null. */
  flip: number | null;
}

/**
 * The network between trainers. They advertise an address here instead of their own (`advertised` in the worker), so
 * that connections to any one worker can be cut, delayed, silenced or falsified.
 */
export class Proxy {
  readonly #desk: HttpServer;
  readonly #fronts: Server[] = [];
  readonly #sockets = new Map<string, Set<Socket>>();
  readonly #weather = new Map<string, Weather>();

  private constructor(desk: HttpServer) {
    this.#desk = desk;
  }

  static async open(): Promise<Proxy> {
    const desk = createHttpServer((request, response) => {
      const worker = request.url?.slice(1) ?? '';
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        void proxy.#front(worker, body).then((endpoint) => response.end(endpoint));
      });
    });
    const proxy = new Proxy(desk);
    await listen(desk);
    return proxy;
  }

  /** From now on the trainers of this worker are reached through here. */
  async attach(worker: string, faults: string): Promise<void> {
    await mkdir(faults, { recursive: true });
    await writeFile(join(faults, 'proxy'), `http://127.0.0.1:${portOf(this.#desk)}/${worker}`);
  }

  cut(worker: string): void {
    for (const socket of this.#socketsOf(worker)) socket.destroy();
  }

  delay(worker: string, milliseconds: number): void {
    this.#weatherOf(worker).delayMs = milliseconds;
  }

  silence(worker: string): void {
    this.#weatherOf(worker).silent = true;
  }

  /** Changes one bit of the next larger chunk. */
  flip(worker: string, bit: number): void {
    this.#weatherOf(worker).flip = bit;
  }

  /** Whether a bit that was to be changed still waits for its chunk. */
  isFlipPending(worker: string): boolean {
    return this.#weatherOf(worker).flip !== null;
  }

  /** Fair weather again. What was held back meanwhile is lost with its connections. */
  clear(worker: string): void {
    const weather = this.#weatherOf(worker);
    const wasSilent = weather.silent;
    Object.assign(weather, fair());
    if (wasSilent) this.cut(worker);
  }

  close(): void {
    this.#desk.close();
    this.#desk.closeAllConnections();
    for (const front of this.#fronts) front.close();
    for (const worker of this.#sockets.keys()) this.cut(worker);
  }

  /** Opens an address in front of another. */
  async #front(worker: string, endpoint: string): Promise<string> {
    const { hostname, port } = new URL(endpoint);
    const front = createServer((incoming) => {
      const outgoing = connect(Number(port), hostname);
      const weather = this.#weatherOf(worker);
      const sockets = this.#socketsOf(worker);
      for (const [one, other] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        sockets.add(one);
        one.setNoDelay();
        one.on('error', () => undefined);
        one.on('close', () => {
          sockets.delete(one);
          // What was sent before an orderly end still arrives, and the end after it.
          if (!one.readableEnded) other.destroy();
        });
        one.pipe(passage(weather, one === incoming)).pipe(other);
      }
    });
    this.#fronts.push(front);
    await listen(front);
    return `tcp://127.0.0.1:${portOf(front)}`;
  }

  #socketsOf(worker: string): Set<Socket> {
    const sockets = this.#sockets.get(worker) ?? new Set();
    this.#sockets.set(worker, sockets);
    return sockets;
  }

  #weatherOf(worker: string): Weather {
    const weather = this.#weather.get(worker) ?? fair();
    this.#weather.set(worker, weather);
    return weather;
  }
}

function fair(): Weather {
  return { delayMs: 0, silent: false, flip: null };
}

/** Lets through what the weather lets through. Only what goes towards the worker is falsified. */
function passage(weather: Weather, towards: boolean): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      if (weather.silent) return; // Never done: the sender's buffers fill up.
      if (towards && weather.flip !== null && chunk.length >= PAYLOAD_BYTES) {
        const at = (weather.flip >> 3) % chunk.length;
        chunk[at] = (chunk[at] ?? 0) ^ (1 << (weather.flip & 7));
        weather.flip = null;
      }
      if (weather.delayMs === 0) done(null, chunk);
      else setTimeout(done, weather.delayMs, null, chunk);
    },
  });
}

function listen(server: Server | HttpServer): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function portOf(server: Server | HttpServer): number {
  return (server.address() as AddressInfo).port;
}
