import type { FastifyReply, FastifyRequest } from 'fastify';

/** Longest that the rest of a body is read for the sake of an answer that went out before it. */
const LINGER_MS = 5000;

/**
 * Has an answer that goes out before the whole body of its request arrived reach a client that still sends. A
 * connection that is closed on unread bytes is reset, and a reset discards what the client has not read yet (RFC 9112,
 * section 9.6): it stays open while the rest arrives, which is thrown away, for 5 s at most.
 * @param reply Its headers have not been written yet.
 */
export function outlastBody({ raw: request }: FastifyRequest, reply: FastifyReply): void {
  const { headers, socket } = request;
  const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) !== 0;
  if (!hasBody || request.complete) return;
  const response = reply.raw;
  const closes = !response.shouldKeepAlive || reply.hasHeader('connection');
  // What Node would close as soon as the answer is out is closed below.
  reply.removeHeader('connection');
  response.shouldKeepAlive = true;
  response.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    request.once('close', () => {
      clearTimeout(timer);
      if (closes) socket.destroySoon();
    });
    request.resume();
  });
}
