export {
  headsOf,
  inputsOf,
  parametersOf,
  shapeOf,
  type ModelConfig,
} from '../families/families.js';
export type { HeadKind } from '../heads/head.js';
export { parseConfig, type HuggingFaceConfig, type Scoring } from './hugging-face-config.js';
export {
  HuggingFaceModel,
  inDirectory,
  MODEL_FILES,
  writeHuggingFace,
  type Locate,
  type NamedTensor,
} from './hugging-face.js';
export { SafetensorsFile, writeSafetensors, type TensorSource } from './safetensors.js';
export type { TensorEntry } from './safetensors-header.js';
