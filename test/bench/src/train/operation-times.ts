import { createRequire } from 'node:module';

/** One kind of operation: its name, the shape of its output and, for a product, which factors are transposed. */
export interface OperationTime {
  readonly operation: string;
  readonly output: string;
  readonly calls: number;
  /** Processor time of the calls; the time that another program takes the processor away does not count. */
  readonly seconds: number;
}

interface Attribute {
  readonly name: string;
  readonly value: unknown;
}

interface Handle {
  readonly shape: readonly number[];
}

interface Binding {
  executeOp(
    operation: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): readonly Handle[];
  createTensor(shape: readonly number[], type: number, values: ArrayBufferView): number;
  tensorDataSync(id: number): ArrayBufferView;
  deleteTensor(id: number): void;
}

const TRANSPOSED = new Set(['transpose_a', 'transpose_b', 'adj_x', 'adj_y']);

/**
 * Puts a clock around every call of TensorFlow's binding. It has to be made before the runtime is opened; calls are
 * synchronous, so a call's processor time is its operation's.
 */
export class OperationTimes {
  #times = new Map<string, { calls: number; microseconds: number }>();

  constructor() {
    const require = createRequire(import.meta.url);
    const { backend } = require('@tensorflow/tfjs-node-gpu') as {
      backend: () => { binding: Binding };
    };
    const { binding } = backend();
    const clocked: Partial<Binding> = {
      executeOp: (operation, attributes, inputs, outputs) =>
        this.#time(
          () => binding.executeOp(operation, attributes, inputs, outputs),
          (results) => {
            const turned = attributes.filter(({ name, value }) => TRANSPOSED.has(name) && value);
            const name = [operation, ...turned.map((attribute) => attribute.name)].join(' ');
            return `${name}|${results[0]?.shape.join('×') ?? ''}`;
          },
        ),
      createTensor: (shape, type, values) =>
        this.#time(
          () => binding.createTensor(shape, type, values),
          () => `(create)|${shape.join('×')}`,
        ),
      tensorDataSync: (id) =>
        this.#time(
          () => binding.tensorDataSync(id),
          (values) => `(read)|${values.byteLength} B`,
        ),
      deleteTensor: (id) => {
        this.#time(
          () => {
            binding.deleteTensor(id);
          },
          () => '(delete)|',
        );
      },
    };
    // Its own properties are read-only, and so are what an object inherits from it; definitions are not.
    const definitions = Object.getOwnPropertyDescriptors(clocked);
    backend().binding = Object.create(binding, definitions) as Binding;
  }

  /** Forgets what was counted. */
  clear(): void {
    this.#times = new Map();
  }

  /** What was counted, most time first. */
  list(): OperationTime[] {
    return [...this.#times]
      .map(([key, { calls, microseconds }]) => {
        const [operation = '', output = ''] = key.split('|');
        return { operation, output, calls, seconds: microseconds / 1e6 };
      })
      .toSorted((a, b) => b.seconds - a.seconds);
  }

  #time<Result>(call: () => Result, keyOf: (result: Result) => string): Result {
    const before = process.cpuUsage();
    const result = call();
    const { user, system } = process.cpuUsage(before);
    const key = keyOf(result);
    const entry = this.#times.get(key) ?? { calls: 0, microseconds: 0 };
    this.#times.set(key, {
      calls: entry.calls + 1,
      microseconds: entry.microseconds + user + system,
    });
    return result;
  }
}
