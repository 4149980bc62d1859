export { now as ringClock } from './clock.js';
export { Kernels } from './memory/kernels.js';
export { type Lane, type LaneReading, Lanes, type LaneShape } from './ring/lanes.js';
export { SharedArena } from './memory/memory.js';
export {
  type DonorSeat,
  type Fetched,
  type FetchRange,
  type Operation,
  type RingOptions,
  type RingReport,
  SEGMENT_BYTES,
} from './options.js';
export { Ring } from './ring/ring.js';
export { SharedRegion } from './shared/region.js';
export type { Standing } from './ring/standing.js';
export { chooseExponent, fits, MAXIMUM_EXPONENT, resolutionBits } from './memory/windows.js';
