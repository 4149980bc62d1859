import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { addressOf, type SharedMemory } from './shared-memory.js';
import { instantiate, isWebAssemblyMemory } from './web-assembly.js';

/**
 * Loops over one memory that are there twice: as a WebAssembly module, which computes in memories of WebAssembly alone
 * (4 GiB at most), and where a compiler was when the package was built, as a native library, which computes in any. What
 * they make is the same to the bit, whichever it is and whatever the processor.
 */
export interface LoopLibrary {
  /** The .wasm file, which exports the loops by their names. */
  readonly wasm: URL;
  /** The .so file, which exports them for each level of instructions (native/loops.h). */
  readonly native: URL;
  /** C prototypes of the loops without their first argument, the memory's address: `void zero(uint64_t target, …)`. */
  readonly prototypes: readonly string[];
}

/** Arguments are byte offsets in the memory, lengths in elements, and factors. */
export type Loop = (...args: number[]) => number;

/** What performs the loops: WebAssembly, or native instructions of a set (x86-64-v3 has AVX2, x86-64-v4 AVX-512). */
export type Level = 'webassembly' | 'baseline' | 'v3' | 'v4';

/** By what `loop_level` of a native library answers. */
const NATIVE_LEVELS = ['baseline', 'v3', 'v4'] as const;

interface Loaded {
  readonly library: ReturnType<typeof koffi.load>;
  /** What this processor can perform, the best last. */
  readonly levels: readonly Level[];
}

const loaded = new Map<string, Loaded | null>();

/** The library's native loops; null where there was no compiler. Loaded once in each thread. */
function load({ native }: LoopLibrary): Loaded | null {
  let found = loaded.get(native.href);
  if (found === undefined) {
    const path = fileURLToPath(native);
    found = existsSync(path) ? open(path) : null;
    loaded.set(native.href, found);
  }
  return found;
}

/** Null for a library that is not of this machine. */
function open(path: string): Loaded | null {
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load(path);
  } catch {
    return null;
  }
  const best = library.func('int32_t loop_level()') as () => number;
  return { library, levels: NATIVE_LEVELS.slice(0, best() + 1) };
}

/** Whether loops can compute in memories of any kind and size. */
export function hasNativeLoops(library: LoopLibrary): boolean {
  return load(library) !== null;
}

/** All that can perform a library's loops here, in memories of WebAssembly; the best last. */
export function levelsHere(library: LoopLibrary): readonly Level[] {
  return ['webassembly', ...(load(library)?.levels ?? [])];
}

/**
 * The loops by their names, bound to a memory for this thread.
 * @param level the best that there is, unless it is given
 */
export function bindLoops(
  library: LoopLibrary,
  memory: SharedMemory,
  level = levelsHere(library).at(-1),
): Readonly<Record<string, Loop>> {
  const native = load(library);
  if (level === undefined || level === 'webassembly' || native === null) {
    if (!isWebAssemblyMemory(memory))
      throw new Error(`${fileURLToPath(library.native)} is missing: build with a C++ compiler`);
    return instantiate(library.wasm, memory) as Record<string, Loop>;
  }
  const address = addressOf(memory);
  const loops = library.prototypes.map((prototype): [string, Loop] => {
    const name = /(\w+)\(/.exec(prototype)?.[1] ?? '';
    const exported = prototype.replace(`${name}(`, `${level}_${name}(uintptr_t memory, `);
    const loop = native.library.func(exported) as Loop;
    // The closure keeps the memory, which the address alone would not.
    return [name, (...args) => (memory.buffer, loop(address, ...args))];
  });
  return Object.fromEntries(loops);
}
