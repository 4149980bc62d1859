import {
  modelViewSchema,
  nameViewSchema,
  registerModelSchema,
  RingmasterError,
} from '@ringmaster/protocol';
import { inspectWeights } from '@ringmaster/tasks';
import { z } from 'zod';
import { readArtifact } from '../artifacts/references.js';
import { checkStored, locateStored } from '../artifacts/stored-model.js';
import { modelOf, presentModelOf } from '../names/names.js';
import type { ApiContext, Server } from './context.js';
import { batchesOf, pageQuery, sendList } from './lists.js';
import type { Turns } from './turns.js';

const params = z.object({
  id: z
    .string()
    .describe(
      'Id of a model or of the job that made it, its beginning, or the name of the newest.',
    ),
});
const tags = ['models'];

export function modelRoutes(
  server: Server,
  { views, store, blobs, removal }: ApiContext,
  turns: Turns,
): void {
  const find = (reference: string) => presentModelOf(store, reference);

  server.get(
    '/v1/models',
    {
      schema: {
        tags,
        summary: 'Models, newest first.',
        querystring: pageQuery,
        response: { 200: z.array(modelViewSchema) },
      },
    },
    async (request, reply) => {
      const { limit, before } = request.query;
      const behind = before === undefined ? null : find(before).id;
      const read = (most: number, last: string | null) => store.models.list(most, last);
      await sendList(reply, batchesOf(limit, behind, turns, read));
    },
  );

  server.get(
    '/v1/models/:id',
    { schema: { tags, summary: 'One model.', params, response: { 200: modelViewSchema } } },
    (request) => find(request.params.id),
  );

  server.get(
    '/v1/names/:name',
    {
      schema: {
        tags,
        summary: 'What a name means where a model is wanted.',
        params: z.object({
          name: z.string().describe('Id of a model or of a job, its beginning, or a name.'),
        }),
        response: { 200: nameViewSchema },
      },
    },
    (request) => {
      const { model, pending } = modelOf(store, request.params.name);
      if (pending === null) return { model, pending };
      const { id, name, state } = views.record(pending.id);
      return { model, pending: { id, name, state } };
    },
  );

  server.post(
    '/v1/models',
    {
      schema: {
        tags,
        summary: 'Registers a model whose files and manifest were uploaded as blobs.',
        body: registerModelSchema,
        response: { 201: modelViewSchema },
      },
    },
    async (request, reply) => {
      const { manifest: id } = request.body;
      const manifest = readArtifact(blobs, id, 'model');
      if (typeof manifest === 'string') {
        throw new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason: manifest });
      }
      await checkStored(blobs, id, manifest);
      await inspectWeights(locateStored(blobs, id, manifest));
      const { name, job, task } = manifest;
      const createdAt = new Date().toISOString();
      store.models.insert({ id, name, job, task, createdAt, manifest });
      void reply.status(201);
      return find(id);
    },
  );

  server.delete(
    '/v1/models/:id',
    { schema: { tags, summary: 'Removes a model.', params, response: { 204: z.null() } } },
    (request, reply) => {
      const { id } = find(request.params.id);
      removal.model(id);
      void reply.status(204);
      return null;
    },
  );
}
