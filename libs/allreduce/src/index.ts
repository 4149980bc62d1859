export { now as ringClock } from './clock.js';
export { Kernels, RING_LOOPS } from './memory/kernels.js';
export { type Lane, type LaneReading, Lanes } from './ring/lanes.js';
export { largestArena, SharedArena } from './memory/memory.js';
export { type Operation, type RingOptions, type RingReport } from './options.js';
export { Ring } from './ring/ring.js';
export { SharedRegion } from './shared/region.js';
export {
  chooseExponent,
  coarseExponent,
  fits,
  MAXIMUM_EXPONENT,
  narrowedBits,
  planesFor,
} from './memory/windows.js';
