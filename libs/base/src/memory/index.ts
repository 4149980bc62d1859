export { copyBytes } from './copy.js';
export { bindLoops, hasNativeLoops, levelsHere, type Level, type LoopLibrary } from './loops.js';
export { addressOf, MEMORY_PAGE_BYTES, plainMemory, type SharedMemory } from './shared-memory.js';
export { instantiate, unsharedMemory, webAssemblyMemory } from './web-assembly.js';
