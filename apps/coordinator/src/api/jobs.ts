import {
  jobCheckSchema,
  jobFileJsonSchema,
  jobStateSchema,
  jobViewSchema,
  parseJobSpec,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';
import { batchesOf, pageQuery, sendList } from './lists.js';
import type { Turns } from './turns.js';

const params = z.object({
  id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
});
const tags = ['jobs'];

// The job file is parsed by its own parser, whose errors name the key and the nearest valid one.
const submission = z.strictObject({
  spec: z
    .unknown()
    .meta({ description: 'A job file with absolute paths.', ...jobFileJsonSchema() }),
});

export function jobRoutes(
  server: Server,
  { jobs, views, removal }: ApiContext,
  turns: Turns,
): void {
  server.post(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'Submits a job.',
        body: submission,
        response: { 201: jobViewSchema },
      },
    },
    async (request, reply) => {
      const spec = parseJobSpec(request.body.spec);
      const { memory } = await jobs.check(spec);
      const view = jobs.submit(spec, memory);
      void reply.status(201).header('location', `/v1/jobs/${view.id}`);
      return view;
    },
  );

  server.post(
    '/v1/jobs/check',
    {
      schema: {
        tags,
        summary: 'Judges a job as submitting it would, and submits nothing.',
        body: submission,
        response: { 200: jobCheckSchema },
      },
    },
    (request) => jobs.check(parseJobSpec(request.body.spec)),
  );

  server.get(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'Jobs, newest first.',
        querystring: pageQuery.extend({
          state: jobStateSchema.optional().describe('Only jobs in this state.'),
          kind: z.string().optional().describe('Only jobs of this kind.'),
          name: z.string().optional().describe('Only jobs of this name.'),
        }),
        response: { 200: z.array(jobViewSchema) },
      },
    },
    async (request, reply) => {
      const { limit, before, ...filter } = request.query;
      const behind = before === undefined ? null : views.record(before).id;
      const read = (most: number, last: string | null) => views.list(most, last, filter);
      await sendList(reply, batchesOf(limit, behind, turns, read));
    },
  );

  server.get(
    '/v1/jobs/:id',
    { schema: { tags, summary: 'One job.', params, response: { 200: jobViewSchema } } },
    (request) => views.view(request.params.id),
  );

  server.get(
    '/v1/jobs/:id/spec',
    {
      schema: {
        tags,
        summary: 'The whole specification of a job: its job file with every default filled in.',
        params,
        response: { 200: z.unknown().meta({ ...jobFileJsonSchema() }) },
      },
    },
    (request) => views.record(request.params.id).spec,
  );

  const asking = { tags, params, response: { 200: jobViewSchema } };
  server.post(
    '/v1/jobs/:id/pause',
    { schema: { ...asking, summary: 'Has a job save its state and give its slots back.' } },
    (request) => jobs.pause(request.params.id),
  );
  server.post(
    '/v1/jobs/:id/resume',
    { schema: { ...asking, summary: 'Has a paused job go on where it was.' } },
    (request) => jobs.resume(request.params.id),
  );
  server.post(
    '/v1/jobs/:id/cancel',
    { schema: { ...asking, summary: 'Cancels a job.' } },
    (request) => jobs.cancel(request.params.id),
  );
  server.delete(
    '/v1/jobs/:id',
    {
      schema: {
        tags,
        params,
        summary: 'Removes an ended job: its record, curve, log and checkpoints. Its model stays.',
        response: { 204: z.null() },
      },
    },
    (request, reply) => {
      removal.job(views.record(request.params.id));
      void reply.status(204);
      return null;
    },
  );
}
