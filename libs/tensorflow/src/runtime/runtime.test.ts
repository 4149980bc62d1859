import { addressOf, plainMemory } from '@ringmaster/base/memory';
import { describe, expect, it, vi } from 'vitest';

import { attribute } from './attributes.js';
import { Ops } from './ops.js';
import { Runtime } from './runtime.js';

declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

// TensorFlow would describe its whole heap when memory runs out.
process.env['TF_CPP_MIN_LOG_LEVEL'] = '3';
const runtime = Runtime.open();
const ops = new Ops(runtime);

describe('upload', () => {
  const arrays = {
    'a small array': () => Float32Array.of(1, 2, 3, 4),
    'a large array': () => new Float32Array(1 << 20).fill(1),
    'shared WebAssembly memory': () => {
      const { buffer } = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
      return new Float32Array(buffer, 64, 1 << 18).fill(1);
    },
    integers: () => Int32Array.of(1, 2, 3, 4),
  };

  it.each(Object.entries(arrays))('keeps its own copy of %s', (_, create) => {
    const values = create();
    const tensor = runtime.upload(values, [values.length]);
    const before = runtime.download(tensor).slice();
    expect(Buffer.from(before.buffer).equals(Buffer.from(values.slice().buffer))).toBe(true);
    values.fill(9);
    expect(Buffer.from(runtime.download(tensor).buffer).equals(Buffer.from(before.buffer))).toBe(
      true,
    );
    runtime.free(tensor);
  });

  const { buffer: shared } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  it.each([
    ['memory that TensorFlow can use', new Float32Array(shared, 128, 3)],
    ['shared memory that is not aligned', new Float32Array(shared, 132, 3)],
    ['a small shared buffer', new Float32Array(new SharedArrayBuffer(16), 0, 3)],
    ['an array', new Float32Array(3)],
  ])('reads into %s', (_, target) => {
    const tensor = runtime.upload(Float32Array.of(1, 2, 3), [3]);
    runtime.downloadInto(tensor, target);
    expect([...target]).toEqual([1, 2, 3]);
    expect(() => {
      runtime.downloadInto(tensor, target.subarray(1));
    }).toThrow('does not fit');
    runtime.free(tensor);
  });
});

describe('downloadInto', () => {
  it('lets TensorFlow write to shared memory where that is aligned, wherever the memory begins', () => {
    const memory = plainMemory(1024);
    const aligned = (64 - (addressOf(memory) % 64)) % 64;
    const download = vi.spyOn(runtime, 'download');
    for (const [offset, copies] of [
      [aligned, 0],
      [aligned + 4, 1],
    ] as const) {
      const tensor = runtime.upload(Float32Array.of(1, 2, 3), [3]);
      const target = new Float32Array(memory.buffer, offset, 3);
      download.mockClear();
      runtime.downloadInto(tensor, target);
      expect([[...target], download.mock.calls.length]).toEqual([[1, 2, 3], copies]);
      runtime.free(tensor);
    }
    download.mockRestore();
  });
});

describe('share', () => {
  it('sees what changes in aligned shared memory, and keeps a copy of what lies elsewhere', () => {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    for (const [offset, last] of [
      [64, 5],
      [68, 3],
    ] as const) {
      const values = new Float32Array(buffer, offset, 3);
      values.set([1, 2, 3]);
      runtime.scope(() => {
        const tensor = runtime.share(values, [3]);
        values[2] = 5;
        expect([...runtime.download(tensor)]).toEqual([1, 2, last]);
      });
    }
  });
});

describe('scope', () => {
  it('frees what was created in it, except what it returns, which the scope around it frees', () => {
    const before = runtime.live;
    runtime.scope(() => {
      const { kept } = runtime.scope(() => {
        const x = runtime.upload(Float32Array.of(1, 2), [2]);
        return { kept: [ops.softmax(x)], note: 'x' };
      });
      expect(runtime.live).toBe(before + 1);
      expect(runtime.download(kept[0]!).length).toBe(2);
    });
    expect(runtime.live).toBe(before);
  });

  it('frees everything when its body throws', () => {
    const before = runtime.live;
    expect(() =>
      runtime.scope(() => {
        runtime.upload(Float32Array.of(1), [1]);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(runtime.live).toBe(before);
  });

  it('leaves kept tensors and constants alone', () => {
    const kept = runtime.scope(() => {
      const x = runtime.keep(runtime.upload(Float32Array.of(5), [1]));
      runtime.scalar(12.5);
      return runtime.scope(() => [x.alive, x] as const)[1];
    });
    expect(kept.alive).toBe(true);
    expect([...runtime.download(kept)]).toEqual([5]);
    expect([...runtime.download(runtime.scalar(12.5))]).toEqual([12.5]);
    runtime.free(kept);
  });
});

describe('execute', () => {
  it('refuses a freed tensor', () => {
    const x = runtime.upload(Float32Array.of(1), [1]);
    runtime.free(x, [x]);
    expect(() => ops.softmax(x)).toThrow('freed');
    expect(() => runtime.download(x)).toThrow('freed');
  });

  it('names the operation and its inputs when it fails', () => {
    runtime.scope(() => {
      const x = runtime.upload(new Float32Array(6), [2, 3]);
      expect(() => ops.matmul(x, x)).toThrow(/MatMul\(float32\[2,3\], float32\[2,3\]\) failed/);
    });
  });

  it('says so when memory runs out', () => {
    const shape = runtime.integers([2 ** 30, 2 ** 12]);
    expect(() =>
      runtime.execute(
        'Fill',
        [shape, runtime.scalar(0)],
        [attribute.type('T', 'float32'), attribute.type('index_type', 'int32')],
      ),
    ).toThrow(expect.objectContaining({ code: 'TENSORFLOW_OUT_OF_MEMORY' }));
  });
});

describe('precision', () => {
  it('gives a factor of its own, in float32 without a copy and in bfloat16 rounded', () => {
    runtime.integers([2]);
    const before = runtime.live;
    runtime.scope(() => {
      const x = runtime.upload(Float32Array.of(1, 1 + 2 ** -9), [2]);
      for (const precision of ['float32', 'bfloat16'] as const) {
        const typed = new Ops(runtime, precision);
        const factor = typed.factor(x);
        const again = typed.factor(factor);
        runtime.free(factor);
        expect(again.dtype).toBe(precision);
        const last = precision === 'float32' ? 1 + 2 ** -9 : 1;
        expect([...runtime.download(typed.float32(again))]).toEqual([1, last]);
      }
      expect(ops.float32(x)).toBe(x);
    });
    expect(runtime.live).toBe(before);
  });

  it('multiplies matrices in bfloat16 to its 8 bits', () => {
    runtime.scope(() => {
      const values = Float32Array.from({ length: 64 }, (_, index) => Math.sin(index));
      const x = runtime.upload(values, [8, 8]);
      const exact = runtime.download(ops.matmul(x, x, { transposeY: true }));
      const coarse = new Ops(runtime, 'bfloat16');
      const factor = coarse.factor(x);
      const product = coarse.matmul(factor, factor, { transposeY: true });
      expect(product.dtype).toBe('bfloat16');
      const rounded = runtime.download(coarse.float32(product));
      expect(rounded).not.toEqual(exact);
      exact.forEach((value, index) => {
        expect(Math.abs(rounded[index]! - value)).toBeLessThan(8 * 2 ** -8);
      });
    });
  });
});
