import type { Tensor } from '@ringmaster/tensorflow';
import { LanguageModelHead } from '../heads/language-model.js';
import { LastTokenClassHead } from '../heads/last-token-class.js';
import { TokenClassHead } from '../heads/token-class.js';
import { Attention } from '../layers/attention.js';
import { GatedFeedForward } from '../layers/gated-feed-forward.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import type { LinearFactory } from '../layers/linear.js';
import { Residual } from '../layers/residual.js';
import { RmsNorm } from '../layers/rms-norm.js';
import { Rotary } from '../layers/rotary.js';
import { Stack, type StackedLayer } from '../layers/stack.js';
import type { Stream } from '../layers/stream.js';
import type { Value } from '../layers/tape.js';
import { TokenEmbeddings } from '../layers/token-embeddings.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';
import { llamaConfig, type ConfigDefaults } from './llama-config.js';
import { formatRotary, scalingOf } from './rotary-scaling.js';
import { llamaShape, type Llama, type LlamaName } from './llama-shape.js';

// LLaMA (Touvron et al., 2023), as `LlamaModel` of transformers, and the families that are settings of it: Mistral (Jiang
// et al., 2023), Qwen2 (Yang et al., 2024) and Qwen3 (Yang et al., 2025).

const EPSILON = 1e-6;
const DEVIATION = 0.02;
/** As `transformers` drops before a classifier of tokens, where a configuration does not say otherwise. */
const TOKEN_CLASS_DROPOUT = 0.1;
/** What the width of a feed-forward network is rounded up to a multiple of. */
const WIDTHS = 64;

interface Setting<Name extends LlamaName> {
  readonly architecture: Name;
  /** Name of its classes in `transformers`. */
  readonly className: string;
  /** Which projections of attention have biases where a configuration cannot say so. */
  readonly bias: 'none' | 'inputs';
  readonly queryKeyNorm: boolean;
  readonly defaults: ConfigDefaults;
  /** Keys of `config.json` that say that there is no sliding window. */
  readonly noWindow: Readonly<Record<string, unknown>>;
}

interface BlockOptions {
  readonly queryKeyNorm: boolean;
  readonly rotary: Rotary;
  readonly linear: LinearFactory;
}

class Block implements StackedLayer {
  readonly parameters: readonly ParameterSpec[];
  readonly #attention: Attention;
  readonly #aroundAttention: Residual;
  readonly #feedForward: GatedFeedForward;
  readonly #aroundFeedForward: Residual;

  constructor(name: string, llama: Llama, { queryKeyNorm, rotary, linear }: BlockOptions) {
    const residualDeviation = DEVIATION / Math.sqrt(2 * llama.layers);
    const residual = { ...llama, norm: 'pre', by: 'rms', dropout: 0 } as const;
    this.#attention = new Attention(`${name}.attention`, {
      ...llama,
      linear,
      depth: llama.headSize,
      scale: 1 / Math.sqrt(llama.headSize),
      queryKeyNorm: queryKeyNorm ? llama.epsilon : null,
      rotary,
      deviations: {
        query: DEVIATION,
        key: DEVIATION,
        value: DEVIATION,
        output: residualDeviation,
      },
    });
    this.#aroundAttention = new Residual(`${name}.attention`, residual);
    this.#feedForward = new GatedFeedForward(`${name}.feedforward`, {
      ...llama,
      linear,
      activation: 'silu',
      deviation: DEVIATION,
      residualDeviation,
    });
    this.#aroundFeedForward = new Residual(`${name}.feedforward`, residual);
    this.parameters = [
      ...this.#attention.parameters,
      ...this.#aroundAttention.parameters,
      ...this.#feedForward.parameters,
      ...this.#aroundFeedForward.parameters,
    ];
  }

  forward(pass: Pass, x: Value, stream: Stream, rows: Tensor | null): Value {
    const attended = this.#aroundAttention.forward(pass, x, (input) =>
      this.#attention.forward(pass, input, stream, { rows }),
    );
    return this.#aroundFeedForward.forward(pass, attended, (input) =>
      this.#feedForward.forward(pass, input),
    );
  }
}

/** A decoder: embeddings of tokens alone, blocks that normalise first, and a norm at the end. */
function network(
  llama: Llama,
  queryKeyNorm: boolean,
  { recompute, linear }: NetworkOptions,
): Network {
  const embeddings = new TokenEmbeddings({ ...llama, deviation: DEVIATION });
  const rotary = new Rotary({
    depth: llama.headSize,
    context: llama.context,
    base: llama.rotaryBase,
    scaling: scalingOf(llama.rotaryScaling),
  });
  const blocks = Array.from(
    { length: llama.layers },
    (_, i) => new Block(`blocks.${i}`, llama, { queryKeyNorm, rotary, linear }),
  );
  const stack = new Stack(blocks, { recompute });
  const norm = new RmsNorm('final.norm', llama.hidden, llama.epsilon, 'factor');
  return {
    parameters: [...embeddings.parameters, ...stack.parameters, ...norm.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: true };
      const embedded = embeddings.forward(pass, tokens);
      return norm.forward(pass, stack.forward(pass, embedded, stream));
    },
  };
}

function family<Name extends LlamaName>(
  setting: Setting<Name>,
): Family<Llama<Name>, SectionOf<LlamaName>> {
  const { architecture, className, queryKeyNorm } = setting;
  return {
    architecture,
    shape: llamaShape(architecture),
    shapeOf: (section, { vocabulary }) => {
      const { layers, hidden, heads, context, rotaryBase, tied, dropout } = section;
      return {
        architecture,
        vocabulary,
        context,
        layers,
        hidden,
        heads,
        keyValueHeads: section.keyValueHeads ?? heads,
        headSize: section.headSize ?? hidden / heads,
        intermediate: section.intermediate ?? WIDTHS * Math.ceil((8 * hidden) / (3 * WIDTHS)),
        epsilon: EPSILON,
        rotaryBase,
        rotaryScaling: { type: 'default' },
        bias: setting.bias,
        tied,
        dropout,
      };
    },
    network: (llama, options) => network(llama, queryKeyNorm, options),
    heads: {
      'causal-language-model': {
        className: `${className}ForCausalLM`,
        make: (llama) =>
          llama.tied
            ? LanguageModelHead.causal(llama)
            : LanguageModelHead.untied({ ...llama, deviation: DEVIATION }),
      },
      'sequence-classification': {
        className: `${className}ForSequenceClassification`,
        make: (llama, options) =>
          new LastTokenClassHead({ ...llama, ...options, deviation: DEVIATION }),
      },
      'token-classification': {
        className: `${className}ForTokenClassification`,
        make: (llama, options) =>
          new TokenClassHead({
            ...llama,
            ...options,
            dropout: TOKEN_CLASS_DROPOUT,
            deviation: DEVIATION,
          }),
      },
    },
    huggingFace: {
      modelType: architecture,
      otherClasses: { [`${className}Model`]: null },
      config: llamaConfig(architecture, setting.bias, setting.defaults),
      format: (llama) => ({
        model_type: architecture,
        hidden_size: llama.hidden,
        intermediate_size: llama.intermediate,
        num_hidden_layers: llama.layers,
        num_attention_heads: llama.heads,
        num_key_value_heads: llama.keyValueHeads,
        head_dim: llama.headSize,
        max_position_embeddings: llama.context,
        hidden_act: 'silu',
        rms_norm_eps: llama.epsilon,
        attention_bias: llama.bias === 'all',
        attention_dropout: llama.dropout,
        ...formatRotary(llama.rotaryBase, llama.rotaryScaling),
        ...setting.noWindow,
      }),
      inputs: [],
      tensors: {
        prefix: 'model.',
        modules: {
          'embeddings.token': 'model.embed_tokens',
          'attention.query': 'model.layers.#.self_attn.q_proj',
          'attention.key': 'model.layers.#.self_attn.k_proj',
          'attention.value': 'model.layers.#.self_attn.v_proj',
          'attention.output': 'model.layers.#.self_attn.o_proj',
          'attention.query-norm': 'model.layers.#.self_attn.q_norm',
          'attention.key-norm': 'model.layers.#.self_attn.k_norm',
          'attention.norm': 'model.layers.#.input_layernorm',
          'feedforward.gate': 'model.layers.#.mlp.gate_proj',
          'feedforward.up': 'model.layers.#.mlp.up_proj',
          'feedforward.down': 'model.layers.#.mlp.down_proj',
          'feedforward.norm': 'model.layers.#.post_attention_layernorm',
          'final.norm': 'model.norm',
          head: 'lm_head',
          classifier: 'score',
          'token-classifier': 'score',
        },
        transposed: false,
      },
    },
  };
}

const ofHidden = { keyValueHeads: null, headSize: null, window: null };

export const llama = family({
  architecture: 'llama',
  className: 'Llama',
  bias: 'none',
  queryKeyNorm: false,
  defaults: ofHidden,
  noWindow: {},
});

export const mistral = family({
  architecture: 'mistral',
  className: 'Mistral',
  bias: 'none',
  queryKeyNorm: false,
  defaults: { ...ofHidden, keyValueHeads: 8, window: 4096 },
  noWindow: { sliding_window: null },
});

export const qwen2 = family({
  architecture: 'qwen2',
  className: 'Qwen2',
  bias: 'inputs',
  queryKeyNorm: false,
  defaults: { ...ofHidden, keyValueHeads: 32 },
  noWindow: { use_sliding_window: false, sliding_window: null },
});

export const qwen3 = family({
  architecture: 'qwen3',
  className: 'Qwen3',
  bias: 'none',
  queryKeyNorm: true,
  defaults: { ...ofHidden, keyValueHeads: 32, headSize: 128 },
  noWindow: { use_sliding_window: false, sliding_window: null },
});
