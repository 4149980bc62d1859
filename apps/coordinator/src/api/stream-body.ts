import { Readable } from 'node:stream';
import type { Server } from './context.js';

/** Has the bodies of a server's requests be streams of bytes, whatever their type and length. */
export function takeStreams(server: Server): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, parsed) => {
    parsed(null, payload);
  });
}

/** Reads a body. One that is given up half-way keeps its connection, on which the answer tells why. */
export async function readBody<Result>(
  request: { readonly body: unknown },
  read: (chunks: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  const body = (request.body ?? Readable.from([])) as Readable;
  try {
    return await read(body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>);
  } finally {
    body.resume();
  }
}
