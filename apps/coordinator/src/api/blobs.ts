import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { BlobStore } from '@ringmaster/data';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { readBody, takeStreams } from './stream-body.js';
import { parseRange } from './range.js';
import type { ApiContext, Server } from './context.js';

const params = z.object({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal')
    .describe('SHA-256 of the blob.'),
});
const tags = ['blobs'];

export async function blobRoutes(parent: Server, { blobs }: ApiContext): Promise<void> {
  await parent.register((server: Server, _, done) => {
    takeStreams(server);
    server.route({
      method: ['GET', 'HEAD'],
      url: '/v1/blobs/:sha256',
      schema: {
        tags,
        summary: 'A blob, or a range of its bytes.',
        params,
        produces: ['application/octet-stream'],
      },
      handler: async (request, reply) => {
        const { sha256 } = request.params;
        // Who asks whether it is here need not put it, and relies on it as if they had.
        const isAsked = request.method === 'HEAD';
        const bytes = isAsked ? await blobs.renew(sha256) : await sizeOf(blobs, sha256);
        if (bytes === null) throw new RingmasterError('BLOB_MISSING', { sha256 });
        const etag = `"${sha256}"`;
        void reply
          .type('application/octet-stream')
          .headers({ etag, 'accept-ranges': 'bytes', 'cache-control': 'public, immutable' });
        if (request.headers['if-none-match'] === etag) return reply.status(304).send();
        const range = parseRange(request.headers.range, bytes);
        void reply.header('content-length', range === null ? bytes : range.end - range.start + 1);
        if (range !== null) {
          void reply
            .status(206)
            .header('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
        }
        if (isAsked) return reply.send();
        return reply.send(createReadStream(blobs.path(sha256), range ?? {}));
      },
    });

    server.put(
      '/v1/blobs/:sha256',
      {
        schema: {
          tags,
          summary: 'Stores a blob; its content must have the SHA-256 that it is put under.',
          params,
          consumes: ['application/octet-stream'],
          response: { 201: z.object({ sha256: z.string(), bytes: z.int() }) },
        },
      },
      async (request, reply) => {
        const stored = await readBody(request, (chunks) =>
          blobs.putStream(chunks, request.params.sha256),
        );
        return reply.status(201).send(stored);
      },
    );
    done();
  });
}

async function sizeOf(blobs: BlobStore, sha256: string): Promise<number | null> {
  try {
    return (await stat(blobs.path(sha256))).size;
  } catch {
    return null;
  }
}
