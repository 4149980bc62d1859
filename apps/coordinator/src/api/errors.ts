import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorHeaders } from '@ringmaster/base/server';
import { RingmasterError } from '@ringmaster/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

/** Turns whatever a route throws into one of the registered errors. */
function toRingmasterError(error: unknown, request: FastifyRequest): RingmasterError {
  if (RingmasterError.is(error)) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
    const what = first?.message ?? 'it cannot be understood';
    const reason = where === '' ? what : `${where}: ${what}`;
    return new RingmasterError('REQUEST_INVALID', { reason });
  }
  const reason = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new RingmasterError('MEDIA_TYPE_UNSUPPORTED', {
        type: request.headers['content-type'] ?? '',
      });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new RingmasterError('REQUEST_TOO_LARGE', { limit: request.routeOptions.bodyLimit });
    case 'ECONNRESET':
      // The client has gone while it sent; nobody is told, and it is no failure of the server.
      if (request.raw.destroyed && !request.raw.complete)
        return new RingmasterError('REQUEST_INVALID', { reason: 'its body broke off' });
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  return typeof status === 'number' && status >= 400 && status < 500
    ? new RingmasterError('REQUEST_INVALID', { reason })
    : new RingmasterError('INTERNAL', { reason }, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Answers with the error's body; what is our fault is logged whole. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toRingmasterError(error, request);
  if (known.status >= 500) request.log.error({ err: error, url: request.url }, known.message);
  void reply
    .status(known.status)
    .headers(errorHeaders(known))
    .type('application/json')
    .send(JSON.stringify(known.toBody()));
}

/** Answers what is not HTTP, and what the parser of HTTP gives up, in the same form, and closes the connection. */
export function answerUnparsable(error: Error, socket: Socket, headerLimit: number): void {
  if (codeOf(error) === 'ECONNRESET' || !socket.writable) return;
  answerOnSocket(socket, unparsable(error, headerLimit));
}

/** Answers where there is no request to reply to, and closes the connection. */
export function answerOnSocket(socket: Duplex, known: RingmasterError): void {
  const body = JSON.stringify(known.toBody());
  socket.end(
    [
      `HTTP/1.1 ${known.status} ${STATUS_CODES[known.status] ?? ''}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

function unparsable(error: Error, headerLimit: number): RingmasterError {
  switch (codeOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return new RingmasterError('HEADERS_TOO_LARGE', { limit: headerLimit });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RingmasterError('REQUEST_TIMED_OUT', {});
    default:
      return new RingmasterError('REQUEST_INVALID', { reason: `it is no HTTP (${error.message})` });
  }
}
