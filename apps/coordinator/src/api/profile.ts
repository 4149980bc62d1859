import { profileViewSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import type { ApiContext, Server } from './context.js';

export function profileRoutes(server: Server, { views }: ApiContext): void {
  server.get(
    '/v1/jobs/:id/profile',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Where the time of the newest steps went, by rank and phase.',
        params: z.object({
          id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
        }),
        response: { 200: profileViewSchema },
      },
    },
    (request) => views.profile(request.params.id),
  );
}
