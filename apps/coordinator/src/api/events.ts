import { isFinal, type JobEvent } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Store } from '../store/store.js';
import type { ApiContext, Server } from './context.js';
import { pointsOf } from './curves.js';
import { EventStream } from './event-stream.js';
import { after, formatPosition, parsePosition, type Position } from './event-position.js';
import type { Turns } from './turns.js';

/** Most of each kind that is told of what a client has missed; longer curves are thinned. */
const MOST_MISSED = 1000;

export function eventRoutes(
  server: Server,
  { views, events, store }: ApiContext,
  turns: Turns,
): void {
  server.get(
    '/v1/jobs/:id/events',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Server-sent events of a job: `job` at once, then all that happens until it ends.',
        params: z.object({ id: z.string().describe('Id of a job, its beginning, or its name.') }),
        headers: z.object({
          'last-event-id': z
            .string()
            .optional()
            .describe('Id of the last event that was received: what was missed since comes first.'),
        }),
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => {
      const { id } = views.record(request.params.id);
      void reply.header('cache-control', 'no-store').type('text/event-stream');
      if (request.method === 'HEAD') return reply.send('');
      const stream = new EventStream(`events of ${id}`);
      const missedFrom = parsePosition(request.headers['last-event-id'] ?? '');
      let position = missedFrom ?? positionOf(store, id);
      const tell = (event: JobEvent) => {
        position = after(position, event);
        stream.send(formatPosition(position), event.type, event);
        if (event.type === 'job' && isFinal(event.job.state)) stream.end();
      };
      // What happens while the missed is being read is told after it.
      let waiting: JobEvent[] | null = missedFrom === null ? null : [];
      const unsubscribe = events.subscribe(id, (event) => {
        if (waiting === null) tell(event);
        else waiting.push(event);
      });
      stream.onClose(unsubscribe);
      const goOn = () => {
        const happened = waiting ?? [];
        waiting = null;
        const reached = position;
        for (const event of happened) if (isNew(event, reached)) tell(event);
        if (stream.isOpen) tell({ type: 'job', job: views.view(id) });
      };
      if (missedFrom === null) goOn();
      else {
        tellMissed(store, id, missedFrom, turns, tell).then(goOn, (error: unknown) => {
          stream.destroy(error);
        });
      }
      return reply.send(stream.body);
    },
  );
}

/** Where somebody begins who has heard nothing before: with what happens from now on. */
function positionOf({ history, incidents }: Store, job: string): Position {
  return {
    step: history.steps(job).last(),
    evaluation: history.evaluations(job).last(),
    incident: incidents.newest(job),
  };
}

async function tellMissed(
  { history, incidents }: Store,
  job: string,
  { step, evaluation, incident }: Position,
  turns: Turns,
  tell: (event: JobEvent) => void,
): Promise<void> {
  const behind = (last: number) => ({ from: last + 1, points: MOST_MISSED });
  for await (const batch of pointsOf(history.steps(job), behind(step), turns))
    for (const point of batch) tell({ type: 'step', point });
  for await (const batch of pointsOf(history.evaluations(job), behind(evaluation), turns))
    for (const report of batch) tell({ type: 'evaluation', evaluation: report });
  // The last one that was heard may have been completed by its recovery since.
  for (const missed of incidents.since(job, Math.max(1, incident), MOST_MISSED))
    if (missed.id > incident || missed.recovery !== null)
      tell({ type: 'incident', incident: missed });
}

/** Whether an event that waited was not among what was read from the store meanwhile. */
function isNew(event: JobEvent, reached: Position): boolean {
  if (event.type === 'step') return event.point.step > reached.step;
  if (event.type === 'evaluation') return event.evaluation.step > reached.evaluation;
  return event.type === 'incident';
}
