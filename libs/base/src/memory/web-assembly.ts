import { readFileSync } from 'node:fs';
import type { SharedMemory } from './shared-memory.js';

/** A memory that a module computes in. */
export interface WebAssemblyMemory {
  readonly buffer: ArrayBufferLike;
}

/** As much of `WebAssembly` as is used; TypeScript ships its types only with those of the browser. */
interface WebAssemblyApi {
  readonly Memory: {
    new (descriptor: {
      readonly initial: number;
      readonly maximum: number;
      readonly shared: boolean;
    }): WebAssemblyMemory;
    [Symbol.hasInstance](value: unknown): value is WebAssemblyMemory;
  };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WebAssemblyMemory } },
  ) => { readonly exports: object };
}

const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** A memory of fixed size that threads share, zeros at first. @param pages 64 KiB each, at most 65,536 */
export function webAssemblyMemory(pages: number): SharedMemory {
  return new webAssembly.Memory({ initial: pages, maximum: pages, shared: true }) as SharedMemory;
}

/** A memory of fixed size for one thread alone. */
export function unsharedMemory(pages: number): WebAssemblyMemory {
  return new webAssembly.Memory({ initial: pages, maximum: pages, shared: false });
}

/** Whether modules can compute in it. */
export function isWebAssemblyMemory(memory: object): memory is WebAssemblyMemory {
  return memory instanceof webAssembly.Memory;
}

const compiled = new Map<string, object>();

/**
 * What a module exports, bound to a memory that it imports; it is read and compiled once in each thread.
 * @param url of the .wasm file
 */
export function instantiate(url: URL, memory: WebAssemblyMemory): object {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = new webAssembly.Module(readFileSync(url));
    compiled.set(url.href, module);
  }
  return new webAssembly.Instance(module, { env: { memory } }).exports;
}
