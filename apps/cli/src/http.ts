import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';

export interface Sent {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable | null;
  /** Ends the exchange, and what is read of its answer. */
  readonly signal: AbortSignal | null;
  /** How long an answer may take to begin; null for as long as the upload lasts. */
  readonly answerMs: number | null;
}

/**
 * Sends a request, and returns its answer as soon as that begins. Not `fetch`, which takes longer to load than most verbs
 * to run, and refuses ports.
 * @throws what the socket says, and AbortError
 */
export async function exchange(
  url: URL,
  { method, headers, body, signal, answerMs }: Sent,
): Promise<IncomingMessage> {
  const { request } = await (url.protocol === 'https:'
    ? import('node:https')
    : import('node:http'));
  return new Promise((resolve, reject) => {
    const abort = signal === null ? {} : { signal };
    const sending = request(url, { method, headers, agent: false, ...abort }, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    const timer = setTimeout(() => {
      sending.destroy(new Error(`no answer after ${(answerMs ?? 0) / 1000} s`));
    }, answerMs ?? 0);
    if (answerMs === null) clearTimeout(timer);
    sending.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (body === null || typeof body === 'string') sending.end(body ?? undefined);
    // Who refuses an upload may answer before its end.
    else {
      pipeline(body, sending, (error) => {
        if (error) reject(error);
      });
    }
  });
}

/** The value of an answer in JSON; null of one that is something else, or is cut short. */
export async function jsonOf(answer: IncomingMessage): Promise<unknown> {
  try {
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
