export { adaptersOf } from '../families/adapters.js';
export {
  headsOf,
  isInTransformers,
  inputsOf,
  parametersOf,
  shapeOf,
  windowsOf,
  type ModelConfig,
} from '../families/families.js';
export type { WindowSampling } from '../families/family.js';
export { hasLabels, type HeadKind } from '../heads/head.js';
export { TOKEN_EMBEDDINGS } from '../layers/embeddings.js';
export { parseConfig, type HuggingFaceConfig } from './hugging-face-config.js';
export {
  HuggingFaceModel,
  sourcesOf,
  writeConfig,
  writeHuggingFace,
  type NamedTensor,
} from './hugging-face.js';
export type { TokenConstraints } from './token-constraints.js';
export { mergeAdapters } from './merge.js';
export {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  CHAT_TEMPLATE,
  CONFIG,
  GENERATION_CONFIG,
  inDirectory,
  isModelFile,
  isWeightsFile,
  MODEL_FILES,
  SPECIAL_TOKENS,
  TOKENIZER_CONFIG,
  WEIGHTS,
  WEIGHTS_INDEX,
  type ModelFiles,
} from './model-files.js';
export { writePeft } from './peft.js';
export { SafetensorsFile, writeSafetensors } from './safetensors.js';
