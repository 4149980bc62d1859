import {
  parseDuration,
  preparedDataViewSchema,
  pruneViewSchema,
  RingmasterError,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { Used } from '../artifacts/prepared-data.js';
import type { ApiContext, Server } from './context.js';
import { pageQuery, sendList } from './lists.js';
import type { Turns } from './turns.js';

const DEFAULT_AGE = '30d';

const prune = z.strictObject({
  olderThan: z
    .string()
    .default(DEFAULT_AGE)
    .describe(
      'Age of what is removed, such as 12h or 30d: of jobs since they ended, of data since a job took them.',
    ),
  dryRun: z.boolean().default(false).describe('Only tell what would be removed.'),
});

export function storageRoutes(
  server: Server,
  { store, prepared, removal }: ApiContext,
  turns: Turns,
): void {
  const tags = ['storage'];

  server.get(
    '/v1/data',
    {
      schema: {
        tags,
        summary: 'Prepared data, those used last first.',
        querystring: pageQuery,
        response: { 200: z.array(preparedDataViewSchema) },
      },
    },
    async (request, reply) => {
      const { limit, before } = request.query;
      const all = await prepared.byUse(() => turns.next());
      const behind = before === undefined ? -1 : all.findIndex(({ id }) => id === before);
      if (before !== undefined && behind < 0)
        throw new RingmasterError('DATA_NOT_FOUND', { id: before });
      await sendList(reply, views(all.slice(behind + 1), limit));
    },
  );

  /** Manifests name every shard, and each is looked at: few are read in one turn. */
  async function* views(data: readonly Used[], limit: number) {
    let left = limit;
    for (const used of data) {
      if (left === 0) return;
      await turns.next();
      const view = prepared.view(used, store.needs.ofData(used.id));
      if (view === null) continue;
      left--;
      yield [view];
    }
  }

  server.delete(
    '/v1/data/:id',
    {
      schema: {
        tags,
        summary: 'Removes prepared data that no job needs which has not ended.',
        params: z.object({
          id: z.string().describe('SHA-256 of a data manifest, or its beginning.'),
        }),
        response: { 204: z.null() },
      },
    },
    (request, reply) => {
      removal.data(request.params.id);
      void reply.status(204);
      return null;
    },
  );

  server.post(
    '/v1/prune',
    {
      schema: {
        tags,
        summary:
          'Removes jobs that ended long ago, data that no job has taken for long, and blobs that nothing refers to.',
        body: prune,
        response: { 200: pruneViewSchema },
      },
    },
    (request) => {
      const { olderThan, dryRun } = request.body;
      const age = parseDuration(olderThan);
      if (age === null) {
        const reason = `olderThan: '${olderThan}' is no duration such as 12h or 30d`;
        throw new RingmasterError('REQUEST_INVALID', { reason });
      }
      return removal.prune(Date.now() - age, dryRun);
    },
  );
}
