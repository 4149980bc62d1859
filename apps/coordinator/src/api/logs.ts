import { PassThrough } from 'node:stream';
import { isFinal } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

export function logRoutes(server: Server, { views, logs, events }: ApiContext): void {
  server.get(
    '/v1/jobs/:id/logs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Log lines of the trainers of a job, one JSON object a line.',
        params: z.object({
          id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
        }),
        querystring: z.object({
          tail: z.coerce.number().int().min(0).max(1_000_000).default(1000).describe('Last lines.'),
          follow: z
            .enum(['true', 'false'])
            .default('false')
            .describe('Go on with what is written until the job ends.'),
        }),
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      const { id } = views.record(request.params.id);
      void reply.type('text/plain; charset=utf-8');
      if (request.method === 'HEAD') return reply.send('');
      const start = await logs.startOfTail(id, request.query.tail);
      if (request.query.follow === 'false') return reply.send((await logs.read(id, start)).text);

      const stream = new PassThrough();
      let position = start;
      let reading = Promise.resolve();
      const then = (next: () => unknown) => {
        reading = reading.then(next).then(
          () => undefined,
          (error: unknown) => {
            stream.destroy(error instanceof Error ? error : undefined);
          },
        );
      };
      const proceed = () => {
        then(async () => {
          const { text, end } = await logs.read(id, position);
          position = end;
          if (stream.writable) stream.write(text);
        });
      };
      const finish = () => {
        proceed();
        then(() => stream.end());
      };
      const unfollow = logs.follow(id, proceed);
      const unsubscribe = events.subscribe(id, (event) => {
        if (event.type === 'job' && isFinal(event.job.state)) finish();
      });
      stream.on('close', () => {
        unfollow();
        unsubscribe();
      });
      if (isFinal(views.view(id).state)) finish();
      else proceed();
      return reply.send(stream);
    },
  );
}
