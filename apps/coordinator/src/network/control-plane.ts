import { isIPv6 } from 'node:net';
import { inUrl, listenOnFirst } from '@ringmaster/base/server';
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  workerMessageSchema,
  type CoordinatorMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { Router } from 'zeromq';
import { z } from 'zod';
import { versionMismatch } from '../access/joining.js';
import type { Credentials } from '../home/credentials.js';
import { admit, type Admission } from './admission.js';

export interface ControlPlaneOptions {
  readonly ip: string;
  /** Ports to try, in order; 0 is any free one. */
  readonly ports: readonly number[];
  /** Keys of one that is encrypted. */
  readonly curve: Credentials['curve'] | null;
  /** Whether a client with this public key (Z85) is let in. */
  readonly isKnown: (publicKey: string) => boolean;
  /** Of the coordinator. */
  readonly version: string;
  readonly onMessage: (peer: string, message: WorkerMessage) => void;
  /** A message could not be delivered: the peer is gone, or does not read. */
  readonly onUnreachable: (peer: string) => void;
  readonly log: Logger;
}

/** The coordinator's end of the control plane: one ROUTER, peers named by their routing id in hexadecimal. */
export class ControlPlane {
  readonly #socket: Router;
  readonly #options: ControlPlaneOptions;
  readonly #admission: Admission | null;
  readonly #queue: { peer: string; message: CoordinatorMessage }[] = [];
  #writing: Promise<void> | null = null;
  #reading: Promise<void> = Promise.resolve();

  private constructor(socket: Router, admission: Admission | null, options: ControlPlaneOptions) {
    this.#socket = socket;
    this.#admission = admission;
    this.#options = options;
  }

  /** One that is bound and not yet read: what is sent to it waits until `serve`. */
  static async bind(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { curve } = options;
    const admission = curve === null ? null : await admit(options.isKnown, options.log);
    const socket = new Router({
      linger: 1000,
      mandatory: true,
      handover: true,
      sendTimeout: 0,
      sendHighWaterMark: 10_000,
      maxMessageSize: MAX_MESSAGE_BYTES,
      ipv6: isIPv6(options.ip),
      ...(curve === null ? {} : { curveServer: true, curveSecretKey: curve.serverSecret }),
    });
    await listenOnFirst(options.ip, options.ports, (port) =>
      socket.bind(`tcp://${inUrl(options.ip)}:${port === 0 ? '*' : port}`),
    ).catch((error: unknown) => {
      socket.close();
      admission?.close();
      throw error;
    });
    return new ControlPlane(socket, admission, options);
  }

  /** Begins to read. */
  serve(): void {
    // Closing a socket ends what is read from it, with or without an error.
    this.#reading = this.#read().catch((error: unknown) => {
      if (!this.#socket.closed) throw error;
    });
  }

  /** Port that it listens on. */
  get port(): number {
    return Number(this.#socket.lastEndpoint?.split(':').at(-1));
  }

  /** Sends in the order of the calls. */
  send(peer: string, message: CoordinatorMessage): void {
    this.#queue.push({ peer, message });
    this.#writing ??= this.#write();
  }

  /** Sends what is queued, then closes. */
  async close(): Promise<void> {
    await this.#writing;
    this.#socket.close();
    await this.#reading;
    this.#admission?.close();
  }

  async #write(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { peer, message } = next;
      try {
        await this.#socket.send([Buffer.from(peer, 'hex'), encodeMessage(message)]);
      } catch (error) {
        this.#options.log.warn({ peer, type: message.type, err: error }, 'message not delivered');
        this.#options.onUnreachable(peer);
      }
    }
    this.#writing = null;
  }

  async #read(): Promise<void> {
    for await (const frames of this.#socket) {
      const peer = frames[0]?.toString('hex') ?? '';
      const frame = frames.at(-1) ?? Buffer.alloc(0);
      try {
        this.#options.onMessage(peer, decodeMessage(workerMessageSchema, frame, peer));
      } catch (error) {
        this.#options.log.error({ peer, err: error }, 'message not handled');
        this.#refuseOtherVersion(peer, frame);
      }
    }
  }

  /** Tells a worker whose registration cannot be read that it is of another version, if it is: it would wait for ever. */
  #refuseOtherVersion(peer: string, frame: Uint8Array): void {
    let said: unknown;
    try {
      said = decodeMessage(z.looseObject({ type: z.literal('register') }), frame, peer);
    } catch {
      return; // Whatever it is, it does not register.
    }
    const error = versionMismatch(said, this.#options.version);
    if (error !== null) this.send(peer, { type: 'refused', error: error.toBody() });
  }
}
