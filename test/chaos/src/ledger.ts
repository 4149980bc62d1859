import { readFile } from 'node:fs/promises';
import { BlobStore, ledgerDigest, ledgerOf, parseDataManifest } from '@ringmaster/data';
import { type Home } from '@ringmaster/base';
import { artifactManifestSchema, type StepPoint } from '@ringmaster/protocol';
import { tasks } from '@ringmaster/tasks';
import { jobOf } from './job.js';

export type Ledger = NonNullable<StepPoint['ledger']>;

/**
 * What the specification says that a step consumes, computed from the data that a model was trained on.
 * @param model Id of a model that a run of `jobOf` has made.
 */
export async function ledgerOracle(home: Home, model: string): Promise<(step: number) => Ledger> {
  const blobs = new BlobStore(home.artifacts);
  const { dataManifest } = artifactManifestSchema.parse(
    JSON.parse(await readFile(blobs.path(model), 'utf8')),
  );
  const path = blobs.path(dataManifest);
  const manifest = parseDataManifest(await readFile(path, 'utf8'), path);
  const { batch, model: shape, seed } = jobOf(home.root, { steps: 1, checkpointEvery: 1 });
  const { context } = shape;
  const samples = tasks['masked-language-model'].count(manifest, 'train', context);
  return (step) => {
    const consumed = ledgerOf(samples, { ...batch, seed }, step - 1).flat();
    return { samples: consumed.length, digest: ledgerDigest(consumed) };
  };
}
