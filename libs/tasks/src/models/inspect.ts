import { loadTokenizer, type SpecialTokens, type Tokenizer } from '@ringmaster/data';
import {
  adaptersOf,
  hasLabels,
  headsOf,
  HuggingFaceModel,
  parametersOf,
  shapeOf,
  type HeadKind,
  type HuggingFaceConfig,
  type ModelFiles,
  type ModelConfig,
} from '@ringmaster/model/formats';
import {
  architectures,
  either,
  frozenBy,
  objectiveNames,
  objectivesOf,
  RingmasterError,
  taskIn,
  type ArtifactManifest,
  type JobSpec,
  type TaskName,
} from '@ringmaster/protocol';
import { taskOfHead, tasks } from '../tasks.js';
import { readTokenizer, type TokenizerFile } from './tokenizer-file.js';

/**
 * Reads what a model's `config.json` says, and checks that its weights are what that promises, by their header alone.
 * @throws MODEL_FILE_UNREADABLE, MODEL_CONFIG_UNSUPPORTED, MODEL_CONFIG_INVALID, SAFETENSORS_INVALID, SAFETENSORS_DTYPE,
 * MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE
 */
export async function inspectWeights(files: ModelFiles): Promise<HuggingFaceConfig> {
  const file = await HuggingFaceModel.open(files);
  try {
    file.check();
    return file.config;
  } finally {
    await file.close();
  }
}

/** What is known of a model whose files have been looked at. */
export interface InspectedModel extends HuggingFaceConfig {
  readonly tokenizer: Tokenizer;
  readonly tokenizerFile: TokenizerFile;
}

/**
 * The same with its tokenizer, whose ids must all have an embedding.
 * @throws TOKENIZER_INVALID, MODEL_UNUSABLE; what `inspectWeights` throws
 */
export async function inspectModel(files: ModelFiles): Promise<InspectedModel> {
  const config = await inspectWeights(files);
  const tokenizerFile = await readTokenizer(files, config.model);
  const { json, path } = tokenizerFile;
  const tokenizer = loadTokenizer(json, path);
  checkVocabulary(config, tokenizer, path);
  return { ...config, tokenizer, tokenizerFile };
}

/** @throws MODEL_UNUSABLE when a token has no embedding */
export function checkVocabulary(
  { model }: HuggingFaceConfig,
  { vocabulary }: { readonly vocabulary: number },
  name: string,
): void {
  if (vocabulary <= model.vocabulary) return;
  const reason = `its tokenizer has ${vocabulary} tokens, its embeddings ${model.vocabulary}`;
  throw new RingmasterError('MODEL_UNUSABLE', { model: name, reason });
}

/** What is known of a model that a job is to start from. */
interface KnownBase {
  readonly model: Pick<ModelConfig, 'architecture' | 'context'>;
  /** Where it has been read. */
  readonly tokenizer?: SpecialTokens;
}

/**
 * Checks that a model can be trained for a task.
 * @throws MODEL_UNUSABLE
 */
export function checkBase({ model, tokenizer }: KnownBase, name: string, task: TaskName): void {
  const reason = unfit(model, task) ?? lacking(tokenizer, model.context, task);
  if (reason !== null) throw new RingmasterError('MODEL_UNUSABLE', { model: name, reason });
}

function unfit(model: KnownBase['model'], task: TaskName): string | null {
  const { head } = tasks[task];
  if (headsOf(model).includes(head)) {
    const objective = objectiveNames.find((name) => name === task);
    const own = objectivesOf(model.architecture);
    return objective === undefined || own.includes(objective)
      ? null
      : `a ${model.architecture} trains with ${either(own)}`;
  }
  const fitting = architectures.filter((architecture) => headsOf({ architecture }).includes(head));
  return `${task} takes ${either(fitting)}, and it is ${model.architecture}`;
}

function lacking(
  tokenizer: SpecialTokens | undefined,
  context: number,
  task: TaskName,
): string | null {
  const tokens = tokenizer === undefined ? null : (tasks[task].lacks?.(tokenizer, context) ?? null);
  return tokens === null ? null : `${task} needs ${tokens}, which its tokenizer does not have`;
}

/**
 * Checks that a model has the parameters that a job freezes, and others, or the layers that it adapts; and that a base has
 * everything that stays as it is beside adapters.
 * @param base Its head, null for none, and what it is called; null where a job has no base.
 * @throws FREEZE_UNMATCHED, FREEZE_EVERYTHING, LORA_UNMATCHED, MODEL_UNUSABLE
 */
export function checkTuning(
  spec: JobSpec,
  model: ModelConfig,
  base: { readonly head: HeadKind | null; readonly name: string } | null,
): void {
  if (spec.tuning === undefined) return;
  const task = tasks[taskIn(spec)];
  const { freeze, lora } = spec.tuning;
  if (freeze !== undefined) frozenBy(freeze, namesOf(model, task.head));
  if (lora !== undefined) adaptersOf(model, lora);
  if (lora === undefined || base === null || !isHeadless(model, base.head, task.head)) return;
  const reason = `it has no head for ${task.name}, which would stay as it is drawn: adapters train no head but one that labels; pretrain it without them first`;
  throw new RingmasterError('MODEL_UNUSABLE', { model: base.name, reason });
}

/** Whether a model that has one head, or none, lacks parameters of another one, which a job does not train either. */
function isHeadless(model: ModelConfig, has: HeadKind | null, wanted: HeadKind): boolean {
  if (hasLabels(wanted) || has === wanted) return false;
  const other = has ?? headsOf(model).find(hasLabels);
  if (other === undefined) return false;
  const there = new Set(namesOf(model, other));
  return namesOf(model, wanted).some((name) => !there.has(name));
}

function namesOf(model: ModelConfig, head: HeadKind): string[] {
  // How many classes there are is told by the data; the names of parameters are the same.
  const labelled = { ...model, labels: Math.max(2, model.labels ?? 0) };
  return parametersOf(labelled, head).map(({ name }) => name);
}

/**
 * The shape of the model that a job file describes, before it has a tokenizer: its vocabulary is as large as it may get.
 * Null for a job that starts from a base.
 */
export function plannedModel({ model, tokenizer }: JobSpec): ModelConfig | null {
  if (model === undefined) return null;
  return shapeOf(model, { vocabulary: tokenizer?.vocabulary ?? 1, pad: 0 });
}

/** What a model predicts, as its manifest says it; `none` of one without a head. */
export function predictsOf({
  head,
  labels,
}: HuggingFaceConfig): Pick<ArtifactManifest, 'task' | 'labels'> {
  return {
    task: head === null ? 'none' : taskOfHead(head).name,
    labels: labels === null ? null : [...labels],
  };
}
