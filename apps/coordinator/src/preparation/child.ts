import { BlobStore, prepareData, type PrepareProgress } from '@ringmaster/data';
import { dataOf, RingmasterError, type ErrorBody, type JobSpec } from '@ringmaster/protocol';
import { readArtifact } from '../artifacts/references.js';
import { importModel } from './import-model.js';
import {
  preparationRequestSchema,
  type PreparationMessage,
  type PreparationRequest,
} from './messages.js';
import { dieWithParent } from './watchdog.js';

/** Prepares the data of one job in a process of its own: it computes for seconds without pause. */
async function prepare({
  spec,
  artifacts,
  index,
  base,
  roots,
}: PreparationRequest): Promise<PreparationMessage> {
  const store = new BlobStore(artifacts);
  if (base?.type === 'directory') tell({ type: 'progress', text: 'importing the base model' });
  const baseManifest =
    base === null
      ? null
      : base.type === 'model'
        ? base.manifest
        : await importModel(base.path, store, roots);
  const data = dataOf(spec);
  const onProgress = (progress: PrepareProgress) => {
    tell({ type: 'progress', text: describe(progress) });
  };
  const request =
    baseManifest === null
      ? { data, tokenizer: tokenizerOf(spec) }
      : { data, tokenizerFile: tokenizerFile(store, baseManifest) };
  const { manifest, sha256 } = await prepareData(request, { store, index, roots, onProgress });
  return { type: 'done', dataManifest: sha256, baseManifest, warnings: manifest.warnings };
}

function tokenizerOf(spec: JobSpec) {
  if (spec.tokenizer === undefined) throw new Error('a job without a base has no tokenizer');
  return spec.tokenizer;
}

function tokenizerFile(store: BlobStore, baseManifest: string): string {
  const artifact = readArtifact(store, baseManifest, 'model');
  const file = typeof artifact === 'string' ? undefined : artifact.files['tokenizer.json'];
  if (file === undefined) {
    const reason = typeof artifact === 'string' ? artifact : 'it has no tokenizer.json';
    throw new RingmasterError('MODEL_INCOMPLETE', { manifest: baseManifest, reason });
  }
  return store.path(file.sha256);
}

const phases: Record<PrepareProgress['phase'], string> = {
  hash: 'hashing files',
  read: 'reading documents',
  duplicates: 'finding near duplicates',
  tokenizer: 'training the tokenizer',
  encode: 'encoding documents',
};

function describe({ phase, done, total }: PrepareProgress): string {
  const count = done === 0 ? '' : total === null ? `: ${done}` : `: ${done} of ${total}`;
  return phases[phase] + count;
}

function bodyOf(error: unknown): ErrorBody {
  if (error instanceof RingmasterError) return error.toBody();
  console.error(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new RingmasterError('INTERNAL', { reason }).toBody();
}

function tell(message: PreparationMessage): void {
  process.send?.(message);
}

// Without its coordinator it prepares for nobody.
dieWithParent(Number(process.argv[2]));
process.on('disconnect', () => process.exit(1));
process.once('message', (message) => {
  prepare(preparationRequestSchema.parse(message))
    .catch((error: unknown): PreparationMessage => ({ type: 'failed', error: bodyOf(error) }))
    .then((last) => process.send?.(last, () => process.exit(0)))
    .catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
});
