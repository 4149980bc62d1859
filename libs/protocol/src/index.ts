export * from './errors/registry.js';
export * from './canonical.js';
export * from './detection.js';
export * from './duration.js';
export * from './job-file/parse.js';
export {
  dataOf,
  jobFileJsonSchema,
  jobFileSchema,
  tokenizerOf,
  type DataSection,
  type DataSource,
  type JobSpec,
  type TokenizerRequest,
} from './job-file/schema.js';
export {
  columnsNamedIn,
  metricsOf,
  needsOf,
  objectiveNames,
  taskIn,
  type Better,
  type TaskName,
} from './job-file/tasks.js';
export { corruptedLength, mostSpans, spanCounts } from './job-file/spans.js';
export type { OptimizerSection } from './job-file/optimizer.js';
export { adaptedBy, frozenBy } from './job-file/freeze.js';
export type { LoraSection } from './job-file/tuning.js';
export {
  architectures,
  kindOf,
  objectivesOf,
  pairedTextsOf,
  type Architecture,
  type ModelSection,
} from './job-file/models/models.js';
export type { ModelKind, PairedTexts } from './job-file/models/transformer.js';
export * from './job-file/microbatches.js';
export * from './job-file/locations.js';
export { nearest } from './job-file/nearest.js';
export { either } from './job-file/reason.js';
export { specHash } from './job-file/spec-hash.js';
export * from './api/access.js';
export * from './api/cluster.js';
export * from './api/incidents.js';
export * from './api/job-state.js';
export * from './api/jobs.js';
export * from './api/memory.js';
export * from './api/models.js';
export * from './api/preparation.js';
export * from './api/profile.js';
export * from './api/storage.js';
export * from './api/version-header.js';
export * from './formats/artifact.js';
export * from './formats/cleaning.js';
export * from './formats/columns.js';
export * from './formats/data-manifest.js';
export * from './formats/languages.js';
export { parseByteSize } from './byte-size.js';
export * from './ports.js';
export * from './process-identity.js';
export * from './security/join-string.js';
export { permits, scopes, type Need, type Scope } from './security/scopes.js';
export * from './messages/codec.js';
export * from './messages/trainer.js';
export * from './messages/worker.js';
