import { readFileSync } from 'node:fs';
import { parseDataManifest, type BlobStore } from '@ringmaster/data';
import { ledgerViewSchema, RingmasterError } from '@ringmaster/protocol';
import { inspectWeights } from '@ringmaster/tasks';
import { z } from 'zod';
import { readArtifact } from '../artifacts/references.js';
import { locateStored } from '../artifacts/stored-model.js';
import { ledgerOfStep } from '../jobs/ledger.js';
import type { JobRecord } from '../store/jobs.js';
import type { ApiContext, Server } from './context.js';

export function ledgerRoutes(server: Server, { views, store, blobs }: ApiContext): void {
  server.get(
    '/v1/jobs/:id/ledger',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Which samples a step consumes, computed, beside what the workers reported of it.',
        params: z.object({
          id: z.string().describe('Id of a job, its beginning, or the name of the newest one.'),
        }),
        querystring: z.object({
          step: z.coerce.number().int().positive().describe('As in the loss curve, from 1.'),
        }),
        response: { 200: ledgerViewSchema },
      },
    },
    async (request) => {
      const record = views.record(request.params.id);
      const { id, state, spec, steps, dataManifest } = record;
      const { step } = request.query;
      if (dataManifest === null) {
        const verb = 'tell its ledger before its data is prepared';
        throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb });
      }
      if (step > (steps ?? spec.steps ?? Infinity)) {
        const reason = `job ${id} has ${steps ?? spec.steps ?? 0} steps, and no step ${step}`;
        throw new RingmasterError('REQUEST_INVALID', { reason });
      }
      const path = blobs.path(dataManifest);
      const manifest = parseDataManifest(readFileSync(path, 'utf8'), path);
      const [point] = store.history.steps(id).from(step, 1);
      const reported = point?.step === step ? point.ledger : null;
      return { ...ledgerOfStep(spec, manifest, await contextOf(record, blobs), step), reported };
    },
  );
}

/** Longest sequence of the model that a job trains, in tokens; 0 where its samples are documents, whatever that is. */
async function contextOf({ spec, baseManifest }: JobRecord, blobs: BlobStore): Promise<number> {
  if (spec.model !== undefined) return spec.model.context;
  if (spec.kind !== 'pretrain' || baseManifest === null) return 0;
  const artifact = readArtifact(blobs, baseManifest, 'model');
  if (typeof artifact === 'string')
    throw new RingmasterError('MODEL_INCOMPLETE', { manifest: baseManifest, reason: artifact });
  const { model } = await inspectWeights(locateStored(blobs, baseManifest, artifact));
  return model.context;
}
