import { incidentViewSchema, statusViewSchema, workerViewSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

export function clusterRoutes(server: Server, context: ApiContext): void {
  const { jobs, workers, store, status, shutDown } = context;
  server.get(
    '/v1/workers',
    {
      schema: {
        tags: ['workers'],
        summary: 'Workers that are here, and those that are gone of late.',
        response: { 200: z.array(workerViewSchema) },
      },
    },
    () => workers.views(),
  );

  server.get(
    '/v1/incidents',
    {
      schema: {
        tags: ['incidents'],
        summary: 'Failures and what was done about them, newest first.',
        querystring: z.object({
          job: z
            .string()
            .optional()
            .describe('Id of a job, its beginning, or the name of the newest one.'),
          limit: z.coerce.number().int().positive().max(10_000).default(100),
        }),
        response: { 200: z.array(incidentViewSchema) },
      },
    },
    (request) => {
      const { job, limit } = request.query;
      return store.incidents.list(job === undefined ? null : jobs.record(job).id, limit);
    },
  );

  server.get(
    '/v1/status',
    {
      schema: {
        tags: ['cluster'],
        summary: 'The cluster at a glance.',
        response: { 200: statusViewSchema },
      },
    },
    () => status(),
  );

  server.post(
    '/v1/shutdown',
    {
      schema: {
        tags: ['cluster'],
        summary: 'Ends the workers and the coordinator; jobs go on at the next start.',
        response: { 202: z.object({ state: z.literal('shutting-down') }) },
      },
    },
    (_request, reply) => {
      reply.raw.once('close', shutDown);
      void reply.status(202).header('connection', 'close');
      return { state: 'shutting-down' as const };
    },
  );
}
