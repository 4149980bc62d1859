import { PassThrough } from 'node:stream';
import { isFinal, type JobEvent } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

/** How often a comment is sent so that proxies keep the connection. */
const KEEP_ALIVE_MS = 15_000;

export function eventRoutes(server: Server, { jobs, events }: ApiContext): void {
  server.get(
    '/v1/jobs/:id/events',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Server-sent events of a job: `job` at once, then all that happens until it ends.',
        params: z.object({
          id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
        }),
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => {
      const { id } = jobs.record(request.params.id);
      const stream = new PassThrough();
      const tell = (event: JobEvent) => {
        stream.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
        if (event.type === 'job' && isFinal(event.job.state)) stream.end();
      };
      const unsubscribe = events.subscribe(id, tell);
      const keepAlive = setInterval(() => {
        stream.write(': still here\n\n');
      }, KEEP_ALIVE_MS);
      stream.on('close', () => {
        unsubscribe();
        clearInterval(keepAlive);
      });
      tell({ type: 'job', job: jobs.view(id) });
      return reply.header('cache-control', 'no-store').type('text/event-stream').send(stream);
    },
  );
}
