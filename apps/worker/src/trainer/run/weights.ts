import {
  ADAPTER_CONFIG,
  isWeightsFile,
  sourcesOf,
  writeConfig,
  writeHuggingFace,
  writePeft,
  type HuggingFaceConfig,
  type NamedTensor,
} from '@ringmaster/model';
import type { ArtifactManifest } from '@ringmaster/protocol';
import { readManifest } from '../../artifacts/artifacts.js';
import type { Run } from './run.js';

/** Files of the weights of a finished model. */
interface WrittenWeights {
  /** Names of those that were written into the directory. */
  readonly names: readonly string[];
  /** Weights that the model has of its base, which are stored already. */
  readonly base: ArtifactManifest['files'];
}

/**
 * Writes the weights of a finished model into a directory, with its `config.json`: all of them, or adapters alone, which
 * stand beside the weights of the base.
 */
export async function writeWeights(
  run: Run,
  directory: string,
  config: HuggingFaceConfig,
): Promise<WrittenWeights> {
  const { artifacts, launch, model } = run.loaded;
  const { lora } = launch.spec.tuning ?? {};
  const { range } = run.finalWeights;
  const adapted = new Set(model.adapted.map(({ name }) => name));
  const tensorOf = ({ name, shape }: Omit<NamedTensor, 'data'>): NamedTensor => ({
    name,
    shape,
    data: run.valuesOf(name, range),
  });
  const whole = () => model.parameters.filter(({ name }) => !adapted.has(name)).map(tensorOf);
  if (lora === undefined || launch.baseManifest === null)
    return { names: await writeHuggingFace(directory, config, whole()), base: {} };
  const { name, files } = await readManifest(artifacts, launch.baseManifest);
  const replaced = model.trained.filter((parameter) => !adapted.has(parameter.name));
  const adapters = await writePeft(directory, {
    lora,
    adapters: model.adapters,
    head: model.head,
    replaced: sourcesOf(config, replaced.map(tensorOf)),
    valuesOf: (parameter) => run.valuesOf(parameter, range),
    base: name,
  });
  // A base that has adapters itself is another model once these are merged.
  if (ADAPTER_CONFIG in files) {
    const names = await writeHuggingFace(directory, config, whole());
    return { names: [...names, ...adapters], base: {} };
  }
  await writeConfig(directory, config);
  const kept = Object.entries(files).filter(([file]) => isWeightsFile(file));
  return { names: ['config.json', ...adapters], base: Object.fromEntries(kept) };
}
