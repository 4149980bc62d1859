import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

const health = z.object({ status: z.enum(['ok', 'starting']) });
const tags = ['health'];

export function healthRoutes(server: Server, { isReady, metrics }: ApiContext): void {
  server.get(
    '/healthz',
    { schema: { tags, summary: 'Whether the process answers.', response: { 200: health } } },
    () => ({ status: 'ok' as const }),
  );
  server.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Whether jobs and workers are taken.',
        response: { 200: health, 503: health },
      },
    },
    (_request, reply) => {
      if (isReady()) return { status: 'ok' as const };
      void reply.status(503);
      return { status: 'starting' as const };
    },
  );
  server.get(
    '/metrics',
    {
      schema: { tags, summary: 'Metrics in the Prometheus text format.', produces: ['text/plain'] },
    },
    async (request, reply) => {
      // HEAD shows nothing, so that the last figures of a job still wait for a scrape.
      const text = request.method === 'HEAD' ? '' : await metrics.scrape();
      return reply.type(metrics.registry.contentType).send(text);
    },
  );
}
