import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokenizer, type BlobStore, type Dataset } from '@ringmaster/data';
import {
  initialValues,
  parametersOf,
  shapeOf,
  writeHuggingFace,
  type HuggingFaceConfig,
} from '@ringmaster/model';
import { canonicalJson, type ArtifactManifest, type JobSpec } from '@ringmaster/protocol';
import { importedManifest, tasks } from '@ringmaster/tasks';
import { SEED, TRAINING } from './shapes.js';

/** What an untrained model is made of. */
export interface InitialModel {
  readonly model: NonNullable<JobSpec['model']>;
  readonly dataset: Dataset;
  readonly store: BlobStore;
}

/**
 * Writes the values that a run of a specification begins with into a directory, as a model that `transformers` loads, or
 * in our own layout where it does not know the family.
 */
export async function writeInitialModel(
  directory: string,
  { model, dataset, store }: InitialModel,
): Promise<HuggingFaceConfig> {
  const { tokenizer } = dataset.manifest;
  const task = tasks[TRAINING[model.architecture as keyof typeof TRAINING].task];
  const labels = task.labels(dataset.manifest);
  const json = await readFile(store.path(tokenizer.sha256), 'utf8');
  const { pad, endOfText } = loadTokenizer(json);
  const config: HuggingFaceConfig = {
    model: {
      ...shapeOf(model, tokenizer),
      ...(labels === null ? {} : { labels: labels.length }),
    },
    head: task.head,
    labels,
    scoring: task.head === 'sequence-classification' ? 'softmax' : null,
    tokens: { padding: pad ?? endOfText, begin: null, end: endOfText },
  };
  await mkdir(directory);
  const parameters = parametersOf(config.model, task.head).map((parameter) => ({
    name: parameter.name,
    shape: parameter.shape,
    data: initialValues(parameter, SEED),
  }));
  await writeHuggingFace(directory, config, parameters);
  await writeFile(join(directory, 'tokenizer.json'), json);
  return config;
}

/** Takes an untrained model into its store; its id. */
export async function storeInitialModel(initial: InitialModel): Promise<string> {
  const directory = join(await mkdtemp(join(tmpdir(), 'ringmaster-bench-')), 'base');
  try {
    const { store } = initial;
    const config = await writeInitialModel(directory, initial);
    const files: ArtifactManifest['files'] = {};
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
      files[name] = await store.putFile(join(directory, name));
    const manifest = importedManifest('base', config, files);
    return (await store.putBytes(Buffer.from(canonicalJson(manifest)))).sha256;
  } finally {
    await rm(join(directory, '..'), { recursive: true });
  }
}
