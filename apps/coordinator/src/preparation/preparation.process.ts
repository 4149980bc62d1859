import { passOverUserSignals } from '@ringmaster/base';
import { BlobStore, makeClaim, prepareData, type ChatFormat } from '@ringmaster/data';
import {
  dataOf,
  needsOf,
  RingmasterError,
  taskIn,
  tokenizerOf,
  type ErrorBody,
  type JobSpec,
  type TokenizerRequest,
} from '@ringmaster/protocol';
import { checkBase, checkTuning, inspectModel, readLearnedFormat } from '@ringmaster/tasks';
import { readArtifact } from '../artifacts/references.js';
import { checkStored, locateStored } from '../artifacts/stored-model.js';
import { CoordinatorLeases } from './coordinator-leases.js';
import { importModel } from './import-model.js';
import {
  preparationCommandSchema,
  type PreparationMessage,
  type PreparationRequest,
} from './messages.js';
import { dieWithParent } from './watchdog.js';

const leases = new CoordinatorLeases(tell);

/** Prepares the data of one job in a process of its own: it computes for seconds without pause. */
async function prepare(
  { spec, index, base, roots }: PreparationRequest,
  store: BlobStore,
): Promise<PreparationMessage> {
  if (base?.type === 'directory') tell({ type: 'progress', progress: null });
  const baseManifest =
    base === null
      ? null
      : base.type === 'model'
        ? base.manifest
        : await importModel(base.path, store, roots);
  const data = dataOf(spec);
  const needs = needsOf(spec);
  const request =
    baseManifest === null
      ? { data, needs, tokenizer: trainedTokenizer(spec) }
      : { data, needs, ...(await readingOf(spec, store, baseManifest)) };
  const { sha256, warnings, cached } = await prepareData(request, {
    store,
    index,
    roots,
    leases,
    onProgress: (progress) => {
      tell({ type: 'progress', progress });
    },
    onTasks: (tasks) => {
      tell({ type: 'began', tasks });
    },
  });
  return {
    type: 'done',
    dataManifest: sha256,
    baseManifest,
    warnings: [...warnings],
    stays: cached && base?.type !== 'directory',
  };
}

function trainedTokenizer(spec: JobSpec): TokenizerRequest {
  const tokenizer = tokenizerOf(spec);
  if (tokenizer === null) throw new Error('a job without a base has no tokenizer');
  return tokenizer;
}

/**
 * The tokenizer of a base, and how it is given conversations where the job learns from them, once it is known that the base
 * can be trained: whoever is to train it shall meet nothing of it that is wrong.
 */
async function readingOf(
  spec: JobSpec,
  store: BlobStore,
  id: string,
): Promise<{ readonly tokenizerFile: string; readonly chat?: ChatFormat | null }> {
  const artifact = readArtifact(store, id, 'model');
  if (typeof artifact === 'string')
    throw new RingmasterError('MODEL_INCOMPLETE', { manifest: id, reason: artifact });
  await checkStored(store, id, artifact);
  const files = locateStored(store, id, artifact);
  const base = await inspectModel(files);
  checkBase(base, artifact.name, taskIn(spec));
  checkTuning(spec, base.model, { head: base.head, name: artifact.name });
  const tokenizerFile = files.path('tokenizer.json');
  if (needsOf(spec).messages === undefined) return { tokenizerFile };
  return { tokenizerFile, chat: await readLearnedFormat(files) };
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

/** Tells what becomes of a request, and ends unless it can have the next one. */
async function answer(request: PreparationRequest): Promise<void> {
  const store = new BlobStore(request.artifacts);
  // It may take hours until something names what it has put.
  const giveUpClaim = makeClaim(request.artifacts);
  const last = await prepare(request, store).catch((error: unknown): PreparationMessage => ({
    type: 'failed',
    error: bodyOf(error),
  }));
  const stays = last.type === 'done' && last.stays;
  if (stays) giveUpClaim();
  process.send?.(last, () => {
    if (!stays) process.exit(0);
  });
}

passOverUserSignals();
// Without its coordinator it prepares for nobody.
dieWithParent(Number(process.argv[2]));
process.on('disconnect', () => process.exit(1));
process.on('message', (message) => {
  const command = preparationCommandSchema.parse(message);
  switch (command.type) {
    case 'lease':
      leases.onGranted(command);
      return;
    case 'answered':
      leases.onAnswered(command);
      return;
    case 'ahead':
      leases.onAhead(command);
      return;
    case 'prepare':
      answer(command.request).catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
  }
});
