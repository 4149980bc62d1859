export type { HuggingFaceConfig } from './hugging-face-config.js';
export { HuggingFaceModel, writeHuggingFace, type NamedTensor } from './hugging-face.js';
export { SafetensorsFile, writeSafetensors, type TensorSource } from './safetensors.js';
export type { TensorEntry } from './safetensors-header.js';
