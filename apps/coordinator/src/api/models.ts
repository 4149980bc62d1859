import { modelViewSchema, registerModelSchema, RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { readArtifact } from '../artifacts/references.js';
import type { ApiContext, Server } from './context.js';

const params = z.object({
  id: z.string().describe('Id of a model, or the name of the newest one.'),
});
const tags = ['models'];

export function modelRoutes(server: Server, { jobs, store, blobs, garbage }: ApiContext): void {
  const find = (reference: string) => {
    const model = store.models.find(reference);
    if (model === null) throw new RingmasterError('MODEL_NOT_FOUND', { id: reference });
    return model;
  };

  server.get(
    '/v1/models',
    {
      schema: {
        tags,
        summary: 'Models, newest first.',
        response: { 200: z.array(modelViewSchema) },
      },
    },
    () => store.models.list(),
  );

  server.get(
    '/v1/models/:id',
    { schema: { tags, summary: 'One model.', params, response: { 200: modelViewSchema } } },
    (request) => find(request.params.id),
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
    (request, reply) => {
      const { manifest: id } = request.body;
      const manifest = readArtifact(blobs, id, 'model');
      if (typeof manifest === 'string') {
        throw new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason: manifest });
      }
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
      const user = jobs.live.find(
        ({ record }) =>
          record.baseManifest === id ||
          (record.base?.type === 'model' && record.base.manifest === id),
      );
      const job = user?.record.id ?? store.jobs.inLineOn(id)?.id;
      if (job !== undefined) throw new RingmasterError('MODEL_IN_USE', { id, job });
      store.models.remove(id);
      garbage.release(id);
      void reply.status(204);
      return null;
    },
  );
}
