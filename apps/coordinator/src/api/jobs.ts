import {
  evaluationReportSchema,
  jobFileJsonSchema,
  jobViewSchema,
  parseJobSpec,
  stepPointSchema,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

const params = z.object({
  id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
});
const tags = ['jobs'];

// The job file is parsed by its own parser, whose errors name the key and the nearest valid one.
const submission = z.object({
  spec: z
    .unknown()
    .meta({ description: 'A job file with absolute paths.', ...jobFileJsonSchema() }),
});

export function jobRoutes(server: Server, { jobs, store }: ApiContext): void {
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
      await jobs.check(spec);
      const view = jobs.submit(spec);
      void reply.status(201).header('location', `/v1/jobs/${view.id}`);
      return view;
    },
  );

  server.get(
    '/v1/jobs',
    {
      schema: {
        tags,
        summary: 'Jobs, newest first.',
        querystring: z.object({
          limit: z.coerce.number().int().positive().max(100_000).default(200),
        }),
        response: { 200: z.array(jobViewSchema) },
      },
    },
    (request) => jobs.list(request.query.limit),
  );

  server.get(
    '/v1/jobs/:id',
    { schema: { tags, summary: 'One job.', params, response: { 200: jobViewSchema } } },
    (request) => jobs.view(request.params.id),
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
    { schema: { ...asking, summary: 'Cancels a job; its record stays.' } },
    (request) => jobs.cancel(request.params.id),
  );

  server.get(
    '/v1/jobs/:id/steps',
    {
      schema: {
        tags,
        summary: 'The loss curve: points by ascending step.',
        params,
        querystring: z.object({
          from: z.coerce.number().int().min(0).default(0).describe('First step wanted.'),
          limit: z.coerce.number().int().positive().max(1_000_000).default(100_000),
        }),
        response: { 200: z.array(stepPointSchema) },
      },
    },
    (request) => {
      const { id } = jobs.record(request.params.id);
      return store.history.steps(id, request.query.from, request.query.limit);
    },
  );

  server.get(
    '/v1/jobs/:id/evaluations',
    {
      schema: {
        tags,
        summary: 'Evaluations on the validation split, by ascending step.',
        params,
        response: { 200: z.array(evaluationReportSchema) },
      },
    },
    (request) => store.history.evaluations(jobs.record(request.params.id).id),
  );
}
