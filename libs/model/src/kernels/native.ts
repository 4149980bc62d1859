import type { RandomKey } from '@ringmaster/base';
import {
  attribute,
  type Attribute,
  type DataType,
  type Ops,
  type Runtime,
  type Tensor,
} from '@ringmaster/tensorflow';
import { attend, attendGradient } from './attention.js';
import {
  pair,
  triple,
  type Activation,
  type ActivationGradient,
  type Attended,
  type AttentionOptions,
  type CrossEntropy,
  type Heads,
  type Kernels,
  type NormaliseGradient,
  type Normalised,
} from './kernels.js';

const ACTIVATIONS: Readonly<Record<Activation, string>> = {
  gelu: 'RingmasterGelu',
  'gelu-tanh': 'RingmasterGeluTanh',
};

/**
 * Kernels of our own as operations of TensorFlow, for processors: each is one pass over memory, in the widest vectors
 * that the processor has (`native/`). They are compiled with the binding and registered when it is loaded.
 */
export class NativeKernels implements Kernels {
  readonly #runtime: Runtime;
  readonly #ops: Ops;

  constructor(ops: Ops) {
    this.#runtime = ops.runtime;
    this.#ops = ops;
  }

  activate(kind: Activation, x: Tensor, bias: Tensor | null): Tensor {
    return this.#runtime.execute(ACTIVATIONS[kind], [x, bias ?? this.#zeros(x)], typed(x));
  }

  activateGradient(
    kind: Activation,
    dy: Tensor,
    x: Tensor,
    bias: Tensor | null,
  ): ActivationGradient {
    const name = `${ACTIVATIONS[kind]}Gradient`;
    const inputs = [dy, x, bias ?? this.#zeros(x)];
    const [dx, dBias] = pair(this.#runtime.executeMany(name, inputs, typed(x), 2));
    return { dx, dBias };
  }

  addBranch(x: Tensor, branch: Tensor, bias: Tensor | null, mask: Tensor | null): Tensor {
    const inputs = [x, branch, bias ?? this.#none, mask ?? this.#none];
    return this.#runtime.execute('RingmasterAddBranch', inputs, typed(branch));
  }

  normalise(x: Tensor, gain: Tensor, shift: Tensor, epsilon: number, type: DataType): Normalised {
    const attributes = [attribute.type('T', type), attribute.float('epsilon', epsilon)];
    const [y, moments] = pair(
      this.#runtime.executeMany('RingmasterNormalise', [x, gain, shift], attributes, 2),
    );
    return { y, statistics: [moments] };
  }

  normaliseGradient(
    dy: Tensor,
    x: Tensor,
    statistics: readonly Tensor[],
    gain: Tensor,
    along: Tensor | null,
  ): NormaliseGradient {
    const inputs = [dy, x, ...statistics, gain, along ?? this.#none];
    const [dx, dGain, dShift] = triple(
      this.#runtime.executeMany('RingmasterNormaliseGradient', inputs, typed(dy), 3),
    );
    return { dx, dGain, dShift };
  }

  splitHeads(packed: Tensor, bias: Tensor | null, sequences: number, heads: number): Heads {
    const attributes = [
      ...typed(packed),
      attribute.integer('sequences', sequences),
      attribute.integer('heads', heads),
    ];
    const [queries, keys, values] = triple(
      this.#runtime.executeMany(
        'RingmasterSplitHeads',
        [packed, bias ?? this.#zeros(packed)],
        attributes,
        3,
      ),
    );
    return { queries, keys, values };
  }

  mergeHeads({ queries, keys, values }: Heads): { dPacked: Tensor; dBias: Tensor } {
    const inputs = [queries, keys, values];
    const [dPacked, dBias] = pair(
      this.#runtime.executeMany('RingmasterMergeHeads', inputs, typed(queries), 2),
    );
    return { dPacked, dBias };
  }

  attentionSoftmax(scores: Tensor, bias: Tensor | null): Tensor {
    const inputs = [scores, bias ?? this.#none];
    return this.#runtime.execute('RingmasterAttentionSoftmax', inputs, typed(scores));
  }

  attentionSoftmaxGradient(probabilities: Tensor, dDropped: Tensor, mask: Tensor | null): Tensor {
    return this.#runtime.execute(
      'RingmasterAttentionSoftmaxGradient',
      [probabilities, dDropped, mask ?? this.#none],
      typed(probabilities),
    );
  }

  /** bfloat16 has products that are twice as fast as ours, which are of float32. */
  selfAttention(packed: Tensor, bias: Tensor | null, options: AttentionOptions): Attended {
    if (packed.dtype !== 'float32') return attend(this.#ops, this, packed, bias, options);
    const runtime = this.#runtime;
    return runtime.scope(() => {
      const inputs = [packed, bias ?? this.#zeros(packed), ...this.#sight(options)];
      const attributes = attended(packed, options);
      const [context, probabilities] = pair(
        runtime.executeMany('RingmasterSelfAttention', inputs, attributes, 2),
      );
      return { context, saved: [probabilities, packed] };
    });
  }

  selfAttentionGradient(
    dContext: Tensor,
    bias: Tensor | null,
    saved: readonly Tensor[],
    options: AttentionOptions,
  ): { dPacked: Tensor; dBias: Tensor } {
    if (dContext.dtype !== 'float32')
      return attendGradient(this.#ops, this, dContext, saved, options);
    const runtime = this.#runtime;
    return runtime.scope(() => {
      const [probabilities, packed] = pair(saved);
      const shift = bias ?? this.#zeros(packed);
      const inputs = [dContext, probabilities, packed, shift, ...this.#sight(options)];
      const attributes = attended(dContext, options);
      const [dPacked, dBias] = pair(
        runtime.executeMany('RingmasterSelfAttentionGradient', inputs, attributes, 2),
      );
      return { dPacked, dBias };
    });
  }

  dropoutMask(shape: readonly number[], dropped: number, { low, high }: RandomKey): Tensor {
    const runtime = this.#runtime;
    return runtime.scope(() => {
      const inputs = [runtime.integers(shape), runtime.upload(Int32Array.of(low, high), [2])];
      const attributes = [attribute.type('T', 'float32'), attribute.integer('dropped', dropped)];
      return runtime.execute('RingmasterDropoutMask', inputs, attributes);
    });
  }

  applyMask(x: Tensor, mask: Tensor): Tensor {
    return this.#runtime.execute('RingmasterApplyMask', [x, mask], typed(x));
  }

  addRows(to: Tensor, x: Tensor, indices: Tensor): Tensor {
    this.#runtime.executeMany('RingmasterAddRows', [to, x, indices], typed(x), 0);
    return to;
  }

  crossEntropy(logits: Tensor, bias: Tensor | null, targets: Int32Array): CrossEntropy {
    return this.#runtime.scope(() => {
      const classes = this.#runtime.upload(targets, [targets.length]);
      const inputs = [logits, bias ?? this.#none, classes];
      const [probabilities, dLogits, dBias] = triple(
        this.#runtime.executeMany('RingmasterCrossEntropy', inputs, typed(logits), 3),
      );
      return { probabilities, dLogits, dBias: bias === null ? null : dBias };
    });
  }

  /** Lengths and mask, as operations take them. */
  #sight({ sight: { lengths }, mask }: AttentionOptions): readonly [Tensor, Tensor] {
    const given = lengths ?? new Int32Array(0);
    return [this.#runtime.upload(given, [given.length]), mask ?? this.#none];
  }

  /** What stands for a bias of the columns of x that is not there: [C]. */
  #zeros(x: Tensor): Tensor {
    const columns = x.shape.at(-1) ?? 0;
    return this.#runtime.constant(`zeros${columns}`, () =>
      this.#runtime.upload(new Float32Array(columns), [columns]),
    );
  }

  /** What stands for an input that is not there. */
  get #none(): Tensor {
    return this.#runtime.constant('none', () => this.#runtime.upload(new Float32Array(0), [0]));
  }
}

const TYPED: Partial<Record<DataType, readonly Attribute[]>> = {
  float32: [attribute.type('T', 'float32')],
  bfloat16: [attribute.type('T', 'bfloat16')],
};

function attended(x: Tensor, { sequences, heads, sight }: AttentionOptions): readonly Attribute[] {
  return [
    ...typed(x),
    attribute.integer('sequences', sequences),
    attribute.integer('heads', heads),
    attribute.integer('causal', sight.causal ? 1 : 0),
  ];
}

function typed({ dtype }: Tensor): readonly Attribute[] {
  const attributes = TYPED[dtype];
  if (attributes === undefined) throw new Error(`There are no kernels for ${dtype}`);
  return attributes;
}
