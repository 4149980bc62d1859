import assert from 'node:assert/strict';
import { open, stat, type FileHandle } from 'node:fs/promises';

import { gitLfsPointer } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';

import { fromBfloat16, fromFloat16 } from './half.js';
import {
  encodeHeader,
  MAXIMUM_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';

/** A tensor to be written; `data` is asked for when its turn comes, so that not all need be in memory at once. */
export interface TensorSource {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: () => Float32Array;
}

/** A safetensors file that is open for reading; its header has been checked. */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #handle: FileHandle;
  readonly #dataStart: number;

  private constructor(
    path: string,
    handle: FileHandle,
    header: SafetensorsHeader,
    dataStart: number,
  ) {
    this.path = path;
    this.#handle = handle;
    this.#dataStart = dataStart;
    this.tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
    this.metadata = header.metadata;
  }

  /** @throws MODEL_FILE_UNREADABLE, SAFETENSORS_INVALID */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await openFile(path).catch((error: unknown) => {
      throw new RingmasterError('MODEL_FILE_UNREADABLE', {
        path,
        reason: (error as Error).message,
      });
    });
    try {
      const { header, dataStart } = await readHeader(handle);
      return new SafetensorsFile(path, handle, header, dataStart);
    } catch (error) {
      const lookalike = await lookalikeOf(handle);
      await handle.close();
      const { reason, ...options } = lookalike ?? { reason: (error as Error).message };
      throw new RingmasterError('SAFETENSORS_INVALID', { path, reason }, options);
    }
  }

  /**
   * One tensor as float32, row-major; float16 and bfloat16 are widened.
   *
   * @throws SAFETENSORS_DTYPE for a tensor of another dtype
   */
  async read(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { tensor, dtype } = this.checkDtype(name);
    const bytes = new Uint8Array(tensor.end - tensor.begin);
    await readFully(this.#handle, bytes, this.#dataStart + tensor.begin);
    if (dtype === 'F32') return new Float32Array(bytes.buffer);
    const halves = new Uint16Array(bytes.buffer);
    return dtype === 'F16' ? fromFloat16(halves) : fromBfloat16(halves);
  }

  /** A tensor that can be read as float32. @throws SAFETENSORS_DTYPE */
  checkDtype(name: string): { tensor: TensorEntry; dtype: 'F32' | 'F16' | 'BF16' } {
    const tensor = this.tensors.get(name);
    assert(tensor, `${this.path} has no tensor ${name}`);
    const { dtype } = tensor;
    if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return { tensor, dtype };
    throw new RingmasterError('SAFETENSORS_DTYPE', { path: this.path, tensor: name, dtype });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  // Neither a directory nor a pipe, which would be waited for.
  if (!(await stat(path)).isFile()) throw new Error('it is no file');
  return open(path);
}

async function readHeader(
  handle: FileHandle,
): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const { size } = await handle.stat();
  if (size < 8) throw new Error(`it has ${size} bytes`);
  const prefix = Buffer.alloc(8);
  await readFully(handle, prefix, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (length > Math.min(MAXIMUM_HEADER_BYTES, size - 8)) {
    throw new Error(`its header should have ${length} bytes, the file has ${size}`);
  }
  const json = Buffer.alloc(length);
  await readFully(handle, json, 8);
  const dataStart = 8 + length;
  return { header: parseHeader(json.toString(), size - dataStart), dataStart };
}

/** What a file that is no safetensors file is instead, by its first bytes, and what is to be done then. */
async function lookalikeOf(
  handle: FileHandle,
): Promise<{ reason: string; remedy?: string } | null> {
  const start = Buffer.alloc(64);
  await handle.read(start, 0, start.length, 0);
  const text = start.toString('latin1');
  const pointer = gitLfsPointer(text);
  if (pointer !== null) return pointer;
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return { reason: 'it is a web page' };
  if (text.startsWith('PK\x03\x04')) return { reason: 'it is a PyTorch or zip archive' };
  return null;
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
}

/**
 * Writes float32 tensors in the order given and flushes the file to disk. The bytes are a function of the arguments.
 * Whoever needs the file to appear whole or not at all writes it into a directory that is renamed afterwards.
 */
export async function writeSafetensors(
  path: string,
  sources: readonly TensorSource[],
): Promise<void> {
  let end = 0;
  const tensors = sources.map(({ name, shape }): TensorEntry => {
    const begin = end;
    end += byteLength(shape);
    return { name, dtype: 'F32', shape, begin, end };
  });
  const handle = await open(path, 'w');
  try {
    // Python `transformers` refuses files that do not name a framework's conventions.
    await writeFully(handle, encodeHeader({ tensors, metadata: { format: 'pt' } }));
    for (const { name, shape, data } of sources) {
      const elements = data();
      assert(elements.byteLength === byteLength(shape), `${name} has ${elements.length} elements`);
      await writeFully(
        handle,
        new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength),
      );
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function byteLength(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, Float32Array.BYTES_PER_ELEMENT);
}

/** Appends all of `source`. */
async function writeFully(handle: FileHandle, source: Uint8Array): Promise<void> {
  for (let done = 0; done < source.length;) {
    done += (await handle.write(source, done)).bytesWritten;
  }
}
