import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore, openDataset, prepareData, type Dataset } from '@ringmaster/data';
import type { Batch } from '@ringmaster/model';
import { targetsOf } from '@ringmaster/model/batch';
import { tasks, trainBatches } from '@ringmaster/tasks';
import { ownIdentity } from '@ringmaster/base';
import {
  kindOf,
  pairedTextsOf,
  parseJobSpec,
  specHash,
  type JobSpec,
  type Launch,
} from '@ringmaster/protocol';
import { writeCorpus } from '../data/corpus.js';

/** What is trained, and on how much a step. */
export interface Shape {
  readonly architecture: 'gpt' | 'bert';
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
  /** Sequences a step. */
  readonly sequences: number;
}

/** What both sides of a comparison are given alike. */
export interface TrainCase {
  readonly shape: Shape;
  readonly dropout: number;
  readonly microbatches: number;
  readonly precision: JobSpec['precision'];
}

/** 5.29 million parameters. */
export const GPT: Shape = {
  architecture: 'gpt',
  layers: 4,
  hidden: 256,
  heads: 4,
  context: 128,
  vocabulary: 8192,
  sequences: 16,
};

/** 14.0 million parameters. */
export const BERT: Shape = { ...GPT, architecture: 'bert', layers: 6, hidden: 384, heads: 6 };

/** 92 million parameters: the blocks of GPT-2 small under a vocabulary that a synthetic corpus can fill. For graphics cards. */
export const GPT2: Shape = {
  architecture: 'gpt',
  layers: 12,
  hidden: 768,
  heads: 12,
  context: 512,
  vocabulary: 8192,
  sequences: 32,
};

/** The same for both sides; the schedule is flat, so that both take the same step. */
export const OPTIMIZER = {
  learningRate: 1e-3,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clip: 1,
} as const;

export const SEED = 1;

export const OBJECTIVES = { gpt: 'causal-language-model', bert: 'masked-language-model' } as const;

/** A home directory of its own with prepared data, enough for some steps without a repeated sample. */
export class TrainingHome {
  readonly root: string;
  readonly dataset: Dataset;
  readonly #manifest: string;
  readonly #shape: Shape;

  private constructor(root: string, manifest: string, dataset: Dataset, shape: Shape) {
    this.root = root;
    this.#manifest = manifest;
    this.dataset = dataset;
    this.#shape = shape;
  }

  static async create(shape: Shape, steps: number): Promise<TrainingHome> {
    const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
    const corpus = join(root, 'corpus.txt');
    // No token is shorter than a character, and most are much longer than the eight that this allows for.
    await writeCorpus(corpus, 8 * steps * shape.sequences * shape.context);
    const chosen = { shape, dropout: 0, microbatches: 1, precision: 'float32' } as const;
    const { spec } = jobOf(chosen, root);
    if (spec.tokenizer === undefined) throw new Error('the job trains its tokenizer');
    const { directory, ...coordinator } = artifactsOf(root);
    await writeFile(
      join(root, 'coordinator.json'),
      JSON.stringify({ ...coordinator, ...ownIdentity(), control: '' }),
    );
    const store = new BlobStore(directory);
    const request = { data: spec.data, tokenizer: spec.tokenizer };
    const prepared = await prepareData(request, { store, index: join(root, 'data') });
    const dataset = openDataset(prepared.manifest, (sha256) => store.path(sha256));
    return new TrainingHome(root, prepared.sha256, dataset, shape);
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** What a trainer is launched with. */
  launch(chosen: Omit<TrainCase, 'shape'>): Launch {
    const { spec } = jobOf({ ...chosen, shape: this.#shape }, this.root);
    const dataManifest = this.#manifest;
    const hash = specHash(spec, dataManifest, null);
    return {
      trainer: 'bench',
      job: 'bench',
      spec,
      dataManifest,
      baseManifest: null,
      specHash: hash,
    };
  }

  /**
   * Writes the batches of the first steps for a side that does not read our data: int32, for each step the tokens and
   * then the targets [sequences, context], −1 where nothing is asked, in the order of the microbatches, however many
   * there are.
   */
  async writeBatches(steps: number): Promise<string> {
    const { architecture, context, sequences } = this.#shape;
    const batches = trainBatches(tasks[OBJECTIVES[architecture]], this.dataset, {
      kind: kindOf(architecture),
      texts: pairedTextsOf(architecture),
      context,
      sequences,
      microbatches: 1,
      seed: SEED,
    });
    if (batches.stepsPerEpoch < steps)
      throw new Error(`the corpus has ${batches.stepsPerEpoch} steps, not ${steps}`);
    const size = sequences * context;
    const words = new Int32Array(steps * 2 * size);
    for (let step = 0; step < steps; step++) {
      const batch = batches.microbatch(step, 0)?.batch;
      if (batch?.tokens.length !== size) throw new Error(`step ${step} is short`);
      words.set(batch.tokens, 2 * step * size);
      words.set(denseTargets(batch), (2 * step + 1) * size);
    }
    const path = join(this.root, 'batches.int32');
    await writeFile(path, words);
    return path;
  }
}

/** A target or −1 for every token. */
function denseTargets(batch: Batch): Int32Array {
  const { rows, ids } = targetsOf(batch, 'tokens');
  if (rows === null) return ids;
  const dense = new Int32Array(batch.tokens.length).fill(-1);
  rows.forEach((row, index) => {
    dense[row] = ids[index] ?? -1;
  });
  return dense;
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

function jobOf({ shape, dropout, microbatches, precision }: TrainCase, root: string) {
  const { architecture, layers, hidden, heads, context, vocabulary, sequences } = shape;
  const spec = parseJobSpec({
    kind: 'pretrain',
    name: 'bench',
    model: { architecture, layers, hidden, heads, context, dropout },
    tokenizer: { algorithm: architecture === 'gpt' ? 'bpe' : 'wordpiece', vocabulary },
    data: { files: join(root, 'corpus.txt'), format: 'lines' },
    objective: OBJECTIVES[architecture],
    precision,
    batch: { sequences, microbatches },
    optimizer: { ...OPTIMIZER, schedule: { warmup: 0, decay: 'constant' } },
    workers: { threads: 1 },
    steps: 1_000_000,
    seed: SEED,
  });
  return { spec };
}
