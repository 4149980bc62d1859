import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '@ringmaster/base';
import { BlobStore, openDataset, prepareData, type Dataset } from '@ringmaster/data';
import {
  dataOf,
  kindOf,
  needsOf,
  pairedTextsOf,
  parseJobSpec,
  specHash,
  tokenizerOf,
  type JobSpec,
  type Launch,
} from '@ringmaster/protocol';
import { tasks, trainBatches } from '@ringmaster/tasks';
import { writeCorpus, writeLabelled, writePairs } from '../data/corpus.js';
import { storeInitialModel, writeInitialModel, type InitialModel } from './initial-model.js';
import { writeBatches, type PeerBatches } from './peer-batches.js';
import { optimizerOf, SEED, TRAINING, type Shape, type TrainCase } from './shapes.js';

/** Documents with columns that there are at least: a vocabulary of thousands of tokens needs that much text. */
const LEAST_DOCUMENTS = 4000;

/** A home directory of its own with prepared data, enough for some steps without a repeated sample. */
export class TrainingHome {
  readonly root: string;
  readonly dataset: Dataset;
  readonly shape: Shape;
  readonly #manifest: string;
  readonly #initial: InitialModel;
  readonly #base: string | null;

  private constructor(
    root: string,
    shape: Shape,
    manifest: string,
    initial: InitialModel,
    base: string | null,
  ) {
    this.root = root;
    this.shape = shape;
    this.dataset = initial.dataset;
    this.#manifest = manifest;
    this.#initial = initial;
    this.#base = base;
  }

  static async create(shape: Shape, steps: number): Promise<TrainingHome> {
    const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
    await writeTexts(corpusIn(root, shape), shape, steps);
    const { lora: _, ...whole } = shape;
    const chosen = { shape: whole, dropout: 0, microbatches: 1, precision: 'float32' } as const;
    const spec = jobOf(chosen, root);
    const tokenizer = tokenizerOf(spec);
    if (tokenizer === null || spec.model === undefined)
      throw new Error('the job trains its tokenizer and has a model');
    const { directory, ...coordinator } = artifactsOf(root);
    await writeFile(
      join(root, 'coordinator.json'),
      JSON.stringify({ ...coordinator, ...ownIdentity(), control: '' }),
    );
    const store = new BlobStore(directory);
    const request = { data: dataOf(spec), needs: needsOf(spec), tokenizer };
    const { sha256, manifest } = await prepareData(request, { store, index: join(root, 'data') });
    const dataset = openDataset(manifest, (blob) => store.path(blob));
    const initial = { model: spec.model, dataset, store };
    const base = shape.lora === undefined ? null : await storeInitialModel(initial);
    return new TrainingHome(root, shape, sha256, initial, base);
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** What a trainer is launched with. */
  launch(chosen: Omit<TrainCase, 'shape'>): Launch {
    const spec = jobOf({ ...chosen, shape: this.shape }, this.root);
    return {
      trainer: 'bench',
      job: 'bench',
      spec,
      dataManifest: this.#manifest,
      baseManifest: this.#base,
      specHash: specHash(spec, this.#manifest, this.#base),
    };
  }

  /** Writes the model that a run begins with, without adapters, into a directory, for a side that does not draw it. */
  async writeInitialModel(): Promise<string> {
    const directory = join(this.root, 'initial-model');
    await writeInitialModel(directory, this.#initial);
    return directory;
  }

  /** Writes the batches of the first steps for a side that does not read our data. */
  async writeBatches(steps: number, microbatches: number): Promise<PeerBatches> {
    const { model, sequences } = this.shape;
    const { architecture, context } = model;
    const batches = trainBatches(tasks[TRAINING[architecture].task], this.dataset, {
      kind: kindOf(architecture),
      texts: pairedTextsOf(architecture),
      windows: null,
      context,
      sequences,
      microbatches,
      seed: SEED,
    });
    return writeBatches(this.root, batches, steps, microbatches);
  }
}

/** Where a home's artifacts are: on this host, so that no coordinator is asked for them. */
export function artifactsOf(root: string) {
  return {
    url: 'http://127.0.0.1:9',
    directory: join(root, 'artifacts'),
    cluster: 'bench',
    token: null,
    fingerprint: null,
  };
}

function corpusIn(root: string, { model }: Shape): string {
  return join(
    root,
    TRAINING[model.architecture].corpus === 'lines' ? 'corpus.txt' : 'corpus.jsonl',
  );
}

/** Characters of a text that is enough for some steps: most tokens are much longer than the eight that this allows for. */
export function charactersOf({ model, vocabulary, sequences }: Shape, steps: number): number {
  return Math.max(8 * steps * sequences * model.context, 40 * vocabulary);
}

/** Texts enough for some steps. No token is shorter than a character, and none is of two words. */
async function writeTexts(path: string, shape: Shape, steps: number): Promise<void> {
  const { model, sequences, vocabulary } = shape;
  // A twentieth of what has labels is a test set.
  const documents = Math.max(LEAST_DOCUMENTS, 2 * steps * sequences);
  switch (TRAINING[model.architecture].corpus) {
    case 'lines':
      return writeCorpus(path, charactersOf(shape, steps), vocabulary);
    case 'pairs':
      return writePairs(path, documents, model.context);
    case 'labelled':
      return writeLabelled(path, documents, model.context);
  }
}

function jobOf({ shape, dropout, microbatches, precision }: TrainCase, root: string): JobSpec {
  const { model, vocabulary, sequences, lora } = shape;
  const { task, corpus, algorithm } = TRAINING[model.architecture];
  const files = corpusIn(root, shape);
  return parseJobSpec({
    name: 'bench',
    ...(task === 'text-classification'
      ? { kind: 'finetune', task, data: { files, test: 0.05 } }
      : {
          kind: 'pretrain',
          objective: task,
          data: { files, format: corpus === 'lines' ? 'lines' : 'jsonl' },
        }),
    ...(lora === undefined
      ? { model: { ...model, dropout }, tokenizer: { algorithm, vocabulary } }
      : { base: '/base', tuning: { lora: { ...lora, dropout } } }),
    precision,
    batch: { sequences, microbatches },
    optimizer: { ...optimizerOf(shape), schedule: { warmup: 0, decay: 'constant' } },
    workers: { threads: 1 },
    steps: 1_000_000,
    seed: SEED,
  });
}
