import { PassThrough, type Readable } from 'node:stream';

/** How often a comment is sent, so that proxies keep the connection and a client knows that it is alive. */
const HEARTBEAT_MS = 10_000;
/** How long a browser waits before it connects anew. */
const RECONNECT_MS = 1000;
/** What may wait for a slow client. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

export interface EventStreamOptions {
  readonly heartbeatMs?: number;
  readonly mostWaitingBytes?: number;
}

/**
 * Server-sent events to one client (HTML Living Standard, section 9.2). A client that is too far behind is let go; it
 * connects anew and resumes behind the last event that it has.
 */
export class EventStream {
  /** What is sent: the body of the answer. */
  readonly body: Readable;
  readonly #stream = new PassThrough();
  readonly #mostWaitingBytes: number;

  /** @param title What it tells of, in a comment at its beginning. */
  constructor(
    title: string,
    { heartbeatMs = HEARTBEAT_MS, mostWaitingBytes = MOST_WAITING_BYTES }: EventStreamOptions = {},
  ) {
    this.body = this.#stream;
    this.#mostWaitingBytes = mostWaitingBytes;
    const heartbeat = setInterval(() => {
      this.#write(': still here\n\n');
    }, heartbeatMs);
    this.onClose(() => {
      clearInterval(heartbeat);
    });
    this.#write(`retry: ${RECONNECT_MS}\n: ${title}\n\n`);
  }

  /** Whether events can still be sent. */
  get isOpen(): boolean {
    return this.#stream.writable;
  }

  send(id: string, type: string, data: unknown): void {
    this.#write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    this.#stream.end();
  }

  /** Breaks the connection off. */
  destroy(error: unknown): void {
    this.#stream.destroy(error instanceof Error ? error : undefined);
  }

  /** Calls back once nothing can be sent any more, whoever has ended it. */
  onClose(callback: () => void): void {
    this.#stream.once('close', callback);
  }

  #write(text: string): void {
    const { writableLength, readableLength, writable } = this.#stream;
    if (writableLength + readableLength > this.#mostWaitingBytes) this.#stream.destroy();
    else if (writable) this.#stream.write(text);
  }
}
