import { readFile } from 'node:fs/promises';
import { openDataset, parseDataManifest, type Dataset } from '@ringmaster/data';
import {
  algorithmOf,
  initialValues,
  Layout,
  Model,
  Optimizer,
  shapeOf,
  type ModelConfig,
} from '@ringmaster/model';
import { taskIn, type DataManifest, type JobSpec, type Launch } from '@ringmaster/protocol';
import { bindTask, checkBase, checkVocabulary, tasks } from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import type { Logger } from 'pino';
import { fetchWhole } from '../../artifacts/artifacts.js';
import { locateModel, readModel, type LocatedModel } from '../../artifacts/model.js';
import type { Artifacts } from '../../artifacts/types.js';
import { cutBuckets } from '../step/buckets.js';
import { frozenOf } from './frozen.js';
import { lossTermsOf } from './loss.js';
import type { Loaded } from './loaded.js';
import { allocateMemory, type MemoryRequest } from './memory-layout.js';
import { Run } from './run.js';

/**
 * A run that has no state yet, with everything that its launch names in memory: data, base model, TensorFlow.
 * @throws MODEL_TOO_LARGE
 */
export async function loadRun(launch: Launch, artifacts: Artifacts, log: Logger): Promise<Run> {
  const started = performance.now();
  const loaded = await load(launch, artifacts);
  const memory = allocateMemory(Layout.of(loaded.model.trained), memoryRequest(loaded));
  const { region, state } = memory;
  const run = new Run(loaded, memory, cutBuckets(state.layout));
  loaded.model.load((name) => run.valuesOf(name, 'parameters'));
  log.info(
    {
      seconds: (performance.now() - started) / 1000,
      parameters: state.layout.parameterCount,
      frozen: loaded.model.parameters.length - loaded.model.trained.length,
      steps: loaded.steps,
      sharesMemory: region !== null,
    },
    'loaded',
  );
  return run;
}

async function load(launch: Launch, artifacts: Artifacts): Promise<Loaded> {
  const { spec } = launch;
  const dataset = await loadDataset(artifacts, launch.dataManifest);
  const base =
    launch.baseManifest === null ? null : await locateModel(artifacts, launch.baseManifest);
  const config = await configOf(spec, base, dataset.manifest);
  const task = bindTask(spec, dataset, config);
  const runtime = Runtime.open();
  const model = new Model(runtime, config, task.head, {
    precision: spec.precision,
    recompute: spec.batch.recompute,
    freeze: spec.tuning?.freeze,
    lora: spec.tuning?.lora,
    loss: lossTermsOf(spec, dataset.manifest, task.labels),
  });
  const beginning = (parameters: Model['parameters']) =>
    initialValuesOf(spec.seed, base, parameters);
  return {
    launch,
    artifacts,
    runtime,
    model,
    dataset,
    task,
    steps: stepsOf(spec, task.stepsPerEpoch),
    frozen: await frozenOf(model, beginning),
    initialValues: () => beginning(model.trained),
  };
}

/** @throws MODEL_TOO_LARGE */
/** The memory that a run needs. */
export function memoryRequest({ launch: { spec }, model, task, frozen }: Loaded): MemoryRequest {
  const algorithm = algorithmOf(spec.optimizer);
  return {
    microbatches: spec.batch.microbatches,
    evaluation: {
      microbatches: task.evaluationMicrobatches('validation'),
      numbers: task.measures.length,
    },
    state: {
      moments: algorithm.moments,
      frozen: frozen.hash,
      keepsAverage: spec.ema !== undefined,
      keepsBest: spec.earlyStopping !== undefined,
    },
    scratchBytes: Optimizer.scratchBytes(Layout.of(model.trained), algorithm),
  };
}

/** Shards that are fetched and checked side by side. */
const FETCHED_AT_A_TIME = 4;

async function loadDataset(artifacts: Artifacts, id: string): Promise<Dataset> {
  const path = await fetchWhole(artifacts, id);
  const manifest = parseDataManifest(await readFile(path, 'utf8'), path);
  const shards = Object.values(manifest.splits).flatMap((split) => split.shards);
  const paths = new Map<string, string>();
  const left = [...new Set(shards.map(({ sha256 }) => sha256))];
  const fetchNext = async (): Promise<void> => {
    for (let sha256 = left.shift(); sha256 !== undefined; sha256 = left.shift())
      paths.set(sha256, await fetchWhole(artifacts, sha256));
  };
  await Promise.all(Array.from({ length: FETCHED_AT_A_TIME }, fetchNext));
  return openDataset(manifest, (sha256) => paths.get(sha256) ?? '');
}

/** The model that a job trains: as its file says, or as its base is, with the vocabulary and labels of its data. */
async function configOf(
  spec: JobSpec,
  base: LocatedModel | null,
  data: DataManifest,
): Promise<ModelConfig> {
  const names = tasks[taskIn(spec)].labels(data);
  const labels = names === null ? {} : { labels: names.length };
  if (spec.model !== undefined) {
    return { ...shapeOf(spec.model, data.tokenizer), ...labels };
  }
  if (base === null) throw new Error('a job has neither a model nor a base');
  const { config } = await readModel(base.files, () => []);
  checkBase(config, base.name, taskIn(spec));
  checkVocabulary(config, data.tokenizer, base.name);
  return { ...config.model, ...labels };
}

/** Values of parameters at step 0: the base's where it has them, drawn from the seed where it does not. */
async function initialValuesOf(
  seed: number,
  base: LocatedModel | null,
  parameters: Model['parameters'],
): Promise<(name: string) => Float32Array> {
  const read = base === null ? null : await readModel(base.files, () => parameters);
  const specifications = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return (name) => {
    const given = read?.values.get(name);
    if (given !== undefined) return given;
    const specification = specifications.get(name);
    if (specification === undefined) throw new Error(`nothing begins ${name}`);
    return initialValues(specification, seed);
  };
}

function stepsOf(spec: JobSpec, stepsPerEpoch: number): number {
  return spec.steps ?? (spec.epochs ?? 0) * stepsPerEpoch;
}
