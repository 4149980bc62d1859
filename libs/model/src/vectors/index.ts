export { openVectors } from './open-vectors.js';
export { analogyOf, neighboursOf, type Neighbour } from './similarity.js';
export type { VectorChunk, VectorTable } from './vector-table.js';
export { vectorForms, writeVectors, type VectorForm } from './write-vectors.js';
