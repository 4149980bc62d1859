export {
  headsOf,
  inputsOf,
  parametersOf,
  shapeOf,
  type ModelConfig,
} from '../families/families.js';
export type { HeadKind } from '../heads/head.js';
export { parseConfig, type HuggingFaceConfig } from './hugging-face-config.js';
export {
  HuggingFaceModel,
  inDirectory,
  MODEL_FILES,
  writeHuggingFace,
  type Locate,
} from './hugging-face.js';
export { SafetensorsFile, writeSafetensors } from './safetensors.js';
