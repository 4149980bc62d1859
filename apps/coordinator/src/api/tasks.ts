import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { keepPart, receiveFile } from '@ringmaster/data';
import { RingmasterError, sha256Schema } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';
import { readBody, takeStreams } from './stream-body.js';

const lease = z.string().describe('Lease of a task, as the worker was told that has it.');
const sha256 = sha256Schema.describe('SHA-256 of the bytes.');
const tags = ['tasks'];
const produces = ['application/octet-stream'];
const consumes = ['application/octet-stream'];

/**
 * What a worker that was lent a task of data preparation needs for it, and where its answer goes: nothing can be read here but
 * what the task reads, and only by who knows its lease.
 */
export async function taskRoutes(parent: Server, { preparations }: ApiContext): Promise<void> {
  await parent.register((server: Server, _, done) => {
    takeStreams(server);
    server.get(
      '/v1/tasks/:lease',
      {
        schema: {
          tags,
          summary: 'A task of data preparation that was lent.',
          params: z.object({ lease }),
          produces,
        },
      },
      (request, reply) => {
        const { packed } = preparations.lease(request.params.lease);
        void reply.type('application/octet-stream');
        return reply.send(Buffer.from(packed));
      },
    );

    server.get(
      '/v1/tasks/:lease/inputs/:sha256',
      {
        schema: {
          tags,
          summary: 'Bytes that a task reads.',
          params: z.object({ lease, sha256 }),
          produces,
        },
      },
      async (request, reply) => {
        const { inputs } = preparations.lease(request.params.lease);
        const input = inputs.get(request.params.sha256);
        // The bytes are judged by who reads them: a file may have been changed since.
        const size = input === undefined ? null : await sizeOf(input.path);
        if (input === undefined || size === null || size < input.end)
          throw new RingmasterError('BLOB_MISSING', { sha256: request.params.sha256 });
        const { path, start, end } = input;
        void reply.type('application/octet-stream').header('content-length', end - start);
        return reply.send(
          start === end ? Readable.from([]) : createReadStream(path, { start, end: end - 1 }),
        );
      },
    );

    server.put(
      '/v1/tasks/:lease/parts/:sha256',
      {
        schema: {
          tags,
          summary: 'Takes a part that the answer to a task names.',
          params: z.object({ lease, sha256 }),
          consumes,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const { lease: id, sha256: hash } = request.params;
        const { directory, allowance } = preparations.lease(id);
        const path = await readBody(request, (chunks) =>
          receiveFile(directory, chunks, hash, allowance),
        );
        if (path === null || !(await keepPart(directory, hash, path)))
          throw new RingmasterError('TASK_WITHDRAWN', { lease: id });
        return reply.status(204).send(null);
      },
    );

    server.put(
      '/v1/tasks/:lease/answer',
      {
        schema: {
          tags,
          summary: 'Takes the answer to a task, whose lease ends with it.',
          params: z.object({ lease }),
          consumes,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const { lease: id } = request.params;
        const { directory, allowance } = preparations.lease(id);
        const path = await readBody(request, (chunks) =>
          receiveFile(directory, chunks, null, allowance),
        );
        if (path === null) throw new RingmasterError('TASK_WITHDRAWN', { lease: id });
        try {
          preparations.answered(id, path);
        } catch (error) {
          await rm(path, { force: true });
          throw error;
        }
        return reply.status(204).send(null);
      },
    );
    done();
  });
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null;
}
