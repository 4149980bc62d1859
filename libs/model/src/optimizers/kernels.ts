import { readFileSync } from 'node:fs';
import { powerOfTwo } from '@ringmaster/base';

/** A shared `WebAssembly.Memory`; TypeScript ships the types of WebAssembly only with those of the browser. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The coefficients of one AdamW update, each a float32 value. */
export interface AdamWCoefficients {
  /** Factor on every gradient. */
  readonly scale: number;
  /** Factor that clips the gradient. */
  readonly clip: number;
  readonly beta1: number;
  /** 1 - beta1. */
  readonly gain1: number;
  readonly beta2: number;
  /** 1 - beta2. */
  readonly gain2: number;
  /** 1 - learning rate · weight decay. */
  readonly shrink: number;
  /** Learning rate / (1 - beta1^t). */
  readonly rate: number;
  /** 1 / √(1 - beta2^t). */
  readonly root: number;
  readonly epsilon: number;
}

/** Byte offsets of the same range of elements in each of four arrays. */
export interface AdamWOffsets {
  readonly parameters: number;
  readonly firstMoments: number;
  readonly secondMoments: number;
  readonly gradients: number;
}

/** What assembly/adamw.ts exports. */
interface Exports {
  squares(source: number, length: number, resolution: number, scale: number): number;
  adamw(...offsetsLengthCoefficients: [number, number, number, number, number, ...number[]]): void;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: SharedMemory } },
  ) => { readonly exports: object };
}

const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

let compiled: object | undefined;

/** The loops of an update over one shared memory; offsets are bytes, lengths are elements. */
export class OptimizerKernels {
  readonly #exports: Exports;

  constructor(memory: SharedMemory) {
    compiled ??= new webAssembly.Module(readFileSync(new URL('adamw.wasm', import.meta.url)));
    this.#exports = new webAssembly.Instance(compiled, { env: { memory } }).exports as Exports;
  }

  /**
   * The sum of squares of an int32 block as float32, (float32(x) · 2^-exponent) · scale with each product rounded, in
   * float64, in the order that assembly/adamw.ts documents.
   */
  squares(source: number, length: number, exponent: number, scale: number): number {
    return this.#exports.squares(source, length, powerOfTwo(-exponent), scale);
  }

  /** Updates parameters and moments from int32 gradients; see assembly/adamw.ts for the formula. */
  adamw(at: AdamWOffsets, length: number, exponent: number, by: AdamWCoefficients): void {
    this.#exports.adamw(
      ...([at.parameters, at.firstMoments, at.secondMoments, at.gradients, length] as const),
      ...[powerOfTwo(-exponent), by.scale, by.clip, by.beta1, by.gain1, by.beta2, by.gain2],
      ...[by.shrink, by.rate, by.root, by.epsilon],
    );
  }
}
