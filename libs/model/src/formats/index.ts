export { parametersOf } from '../architectures/heads.js';
export type { HuggingFaceConfig, Scoring } from './hugging-face-config.js';
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
