import { incidentViewSchema, statusViewSchema, workerViewSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import { SAVE_MS } from '../jobs/farewell.js';
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
        summary:
          'Has jobs save their state, then ends the workers and the coordinator; jobs go on at the next start.',
        querystring: z.object({
          saveSeconds: z.coerce
            .number()
            .min(0)
            .max(86_400)
            .default(SAVE_MS / 1000)
            .describe('How long jobs may take to save their state. 0: not at all.'),
        }),
        response: { 202: z.object({ state: z.literal('shutting-down') }) },
      },
    },
    (request, reply) => {
      const { saveSeconds } = request.query;
      reply.raw.once('close', () => {
        shutDown(1000 * saveSeconds);
      });
      void reply.status(202).header('connection', 'close');
      return { state: 'shutting-down' as const };
    },
  );
}
