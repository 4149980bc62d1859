import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * The client that an answer is for, which may leave before it has it. A response that waits behind another of its connection
 * has no socket yet, and hears nothing of the end of the connection: both are watched.
 */
export class Recipient {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #over = new AbortController();
  readonly #end = () => {
    this.#over.abort();
  };

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    if (hasLeft(request, response)) this.#end();
    response.once('close', this.#end);
    request.socket.once('close', this.#end);
  }

  /** Aborted once the client has the whole answer, or has left. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Settles once the client has the answer, which is finished, or has left.
   * @param patienceMs How long it may take to read the answer, from when those before it on the connection are read; then it is cut off.
   */
  async received(patienceMs: number): Promise<void> {
    if (this.over.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    const beginToWait = () => {
      timer = setTimeout(() => this.#request.socket.destroy(), patienceMs);
    };
    if (this.#response.socket === null) this.#response.once('socket', beginToWait);
    else beginToWait();
    await once(this.over, 'abort');
    clearTimeout(timer);
  }

  /** Watches no more. */
  release(): void {
    this.#response.off('close', this.#end);
    this.#request.socket.off('close', this.#end);
  }
}

/** Whether there is nobody any more to be answered. */
export function hasLeft(request: IncomingMessage, response: ServerResponse): boolean {
  return response.destroyed || request.socket.destroyed;
}
