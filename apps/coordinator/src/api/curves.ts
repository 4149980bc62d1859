import { evaluationReportSchema, stepPointSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Curve } from '../store/curve.js';
import type { ApiContext, Server } from './context.js';
import { sendList } from './lists.js';
import type { Turns } from './turns.js';

/** Points that are read and written in one turn of the event loop. */
const BATCH = 500;
/** Most points of one answer. */
const MOST_POINTS = 20_000;

type CurveQuery = Pick<z.output<typeof query>, 'from' | 'points'> & {
  readonly limit?: number | undefined;
};

const params = z.object({ id: z.string().describe('Id of a job, its beginning, or its name.') });
const query = z.object({
  from: z.coerce.number().int().min(0).default(0).describe('First step wanted.'),
  points: z.coerce
    .number()
    .int()
    .min(10)
    .max(MOST_POINTS)
    .default(1000)
    .describe('A longer curve is thinned to so many points at most: its extremes stay.'),
  limit: z.coerce
    .number()
    .int()
    .positive()
    .max(MOST_POINTS)
    .optional()
    .describe('Instead of that: the first so many points, none left out.'),
});

/** @param turns What reading long curves takes turns with. */
export function curveRoutes(server: Server, { views, store }: ApiContext, turns: Turns): void {
  const tags = ['jobs'];
  server.get(
    '/v1/jobs/:id/steps',
    {
      schema: {
        tags,
        summary: 'The loss curve: points by ascending step.',
        params,
        querystring: query,
        response: { 200: z.array(stepPointSchema) },
      },
    },
    async (request, reply) => {
      const { id } = views.record(request.params.id);
      await sendList(reply, pointsOf(store.history.steps(id), request.query, turns));
    },
  );

  server.get(
    '/v1/jobs/:id/evaluations',
    {
      schema: {
        tags,
        summary: 'Evaluations on the validation split, by ascending step.',
        params,
        querystring: query,
        response: { 200: z.array(evaluationReportSchema) },
      },
    },
    async (request, reply) => {
      const { id } = views.record(request.params.id);
      await sendList(reply, pointsOf(store.history.evaluations(id), request.query, turns));
    },
  );
}

/** The points that a query asks for, in batches. */
export async function* pointsOf<Point extends { readonly step: number }>(
  curve: Curve<Point>,
  { from, points, limit }: CurveQuery,
  turns: Turns,
): AsyncGenerator<readonly Point[]> {
  const isShort = limit !== undefined || curve.count(from, points + 1) <= points;
  if (!isShort) {
    const steps = await curve.thinned(from, points, () => turns.next());
    for (let at = 0; at < steps.length; at += BATCH) {
      await turns.next();
      yield curve.at(steps.slice(at, at + BATCH));
    }
    return;
  }
  let next = from;
  for (let left = limit ?? points; left > 0;) {
    const wanted = Math.min(BATCH, left);
    await turns.next();
    const batch = curve.from(next, wanted);
    yield batch;
    if (batch.length < wanted) return;
    left -= batch.length;
    next = (batch.at(-1)?.step ?? next) + 1;
  }
}
