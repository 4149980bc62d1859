import { join } from 'node:path';
import { requireWithin, type BlobStore, type Roots } from '@ringmaster/data';
import { inDirectory } from '@ringmaster/model/formats';
import type { JobSpec } from '@ringmaster/protocol';
import { checkBase, inspectWeights, listModelDirectory } from '@ringmaster/tasks';
import { locateStored } from '../artifacts/stored-model.js';
import type { Store } from '../store/store.js';
import { findBase } from './dependencies.js';

/**
 * Checks what can be known of a job's base before the job is given an id, by the headers of its files, or by what the job
 * that is to make it trains. What is not there yet, and its bytes, are looked at when its data are prepared.
 * @param roots Directories that a base's files must lie in.
 * @throws JOB_DEPENDENCY_UNKNOWN, REFERENCE_AMBIGUOUS; what is wrong with the base
 */
export async function checkBaseOf(
  spec: JobSpec,
  store: Store,
  blobs: BlobStore,
  roots: Roots,
): Promise<void> {
  if (spec.kind !== 'finetune' || spec.base === undefined) return;
  let base = findBase(store, spec.base);
  while (base.type === 'job') {
    const maker = store.jobs.get(base.job);
    if (maker === null) return;
    const { model } = maker.spec;
    if (model !== undefined) {
      checkBase({ model }, `that of job ${maker.id}`, spec.task);
      return;
    }
    if (maker.base === null) return;
    base = maker.base;
  }
  if (base.type === 'directory') {
    for (const name of await listModelDirectory(base.path))
      requireWithin(join(base.path, name), roots);
    checkBase(await inspectWeights(inDirectory(base.path)), base.path, spec.task);
    return;
  }
  const model = store.models.get(base.manifest);
  if (model === null) return;
  checkBase(
    await inspectWeights(locateStored(blobs, model.id, model.manifest)),
    model.name,
    spec.task,
  );
}
