import { incidentViewSchema, statusViewSchema, workerViewSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import { SAVE_MS } from '../jobs/farewell.js';
import type { ApiContext, Server } from './context.js';
import { batchesOf, MOST_LISTED, pageQuery, sendList } from './lists.js';
import type { Turns } from './turns.js';

export function clusterRoutes(server: Server, context: ApiContext, turns: Turns): void {
  const { views, fleet, store, status, shutDown } = context;
  server.get(
    '/v1/workers',
    {
      schema: {
        tags: ['workers'],
        summary: 'Workers that are here, and those that are gone of late, by id.',
        querystring: pageQuery.extend({
          limit: pageQuery.shape.limit.unwrap().default(MOST_LISTED).describe('How many at most.'),
        }),
        response: { 200: z.array(workerViewSchema) },
      },
    },
    async (request, reply) => {
      const { limit, before = null } = request.query;
      await sendList(
        reply,
        batchesOf(limit, before, turns, (most, last) => fleet.workers.views(most, last)),
      );
    },
  );

  server.get(
    '/v1/incidents',
    {
      schema: {
        tags: ['incidents'],
        summary: 'Failures and what was done about them, newest first.',
        querystring: pageQuery.extend({
          job: z
            .string()
            .optional()
            .describe('Id of a job, its beginning, or the name of the newest one.'),
          before: z.coerce.number().int().positive().optional().describe('Id of an incident.'),
        }),
        response: { 200: z.array(incidentViewSchema) },
      },
    },
    async (request, reply) => {
      const { job, limit, before } = request.query;
      const id = job === undefined ? null : views.record(job).id;
      const read = (most: number, last: string | null) => store.incidents.list(id, most, last);
      await sendList(
        reply,
        batchesOf(limit, before === undefined ? null : String(before), turns, read),
      );
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
