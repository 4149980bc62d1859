import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorHeaders } from '@ringmaster/base/server';
import { RingmasterError } from '@ringmaster/protocol';

/**
 * The value of a body in JSON. What is beyond the limit is thrown away as it arrives, so that the client, which still
 * sends, can read why.
 * @throws MEDIA_TYPE_UNSUPPORTED, REQUEST_TOO_LARGE, REQUEST_INVALID
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const { 'content-type': type = '' } = request.headers;
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new RingmasterError('MEDIA_TYPE_UNSUPPORTED', { type });
  const bytes = await readBytes(request, limit);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new RingmasterError('REQUEST_INVALID', { reason: 'its body is no JSON' }, { cause });
  }
}

function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(new RingmasterError('REQUEST_TOO_LARGE', { limit }));
    });
    request.once('end', () => {
      resolve(Buffer.concat(chunks));
    });
    const broken = () => {
      reject(new RingmasterError('REQUEST_INVALID', { reason: 'its body broke off' }));
    };
    request.once('error', broken);
    request.once('close', broken);
  });
}

export function answerJson(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

/** Answers with an error in the shape of OpenAI's, or ends a stream with it. */
export function answerError(response: ServerResponse, error: RingmasterError): void {
  const body = { error: bodyOf(error) };
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify(body)}\n\n`);
    return;
  }
  response.statusCode = error.status;
  for (const [name, value] of Object.entries(errorHeaders(error))) response.setHeader(name, value);
  answerJson(response, body);
}

function bodyOf(error: RingmasterError): object {
  const { code, message, remedy, detail, status } = error;
  const type = status >= 500 ? 'server_error' : 'invalid_request_error';
  return { message: `${message}. ${remedy}`, type, param: null, code, detail };
}

/** Begins an answer of server-sent events (HTML Living Standard, section 9.2). */
export function beginEvents(response: ServerResponse): void {
  response.setHeader('content-type', 'text/event-stream; charset=utf-8');
  response.setHeader('cache-control', 'no-cache');
  response.flushHeaders();
}

/**
 * Sends an event of a stream. Nobody waits for a client that reads slowly: all that a text can have in events is little
 * beside what a sequence holds while it is generated.
 */
export function sendEvent(response: ServerResponse, data: object | '[DONE]'): void {
  response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
}
