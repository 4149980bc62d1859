export { now as ringClock } from './clock.js';
export { Kernels } from './kernels.js';
export { type Lane, type LaneReading, Lanes, type LaneShape } from './lanes.js';
export { SharedArena } from './memory.js';
export {
  type CurveKeys,
  type DonorSeat,
  type Fetched,
  type FetchRange,
  type Operation,
  type RingOptions,
  type RingReport,
  SEGMENT_BYTES,
} from './options.js';
export { Ring } from './ring.js';
export { SharedRegion } from './shared/region.js';
export type { Standing } from './standing.js';
export type { SharedMemory } from './webassembly.js';
export { chooseExponent, fits, MAXIMUM_EXPONENT, resolutionBits } from './windows.js';
