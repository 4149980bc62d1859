import { z } from 'zod';
import { LanguageModelHead } from '../heads/language-model.js';
import { Block } from '../layers/block.js';
import { Embeddings } from '../layers/embeddings.js';
import { LayerNorm } from '../layers/layer-norm.js';
import { Stack } from '../layers/stack.js';
import { attentionDropoutOf, layers, no, oneStack, probability, size, yes } from './config-keys.js';
import type { Family, Network, NetworkOptions, SectionOf } from './family.js';
import { transformerSizes, withWholeHeads } from './shape.js';

// GPT-2 (Radford et al., 2019), as `GPT2Model` of transformers.

const EPSILON = 1e-5;
const DEVIATION = 0.02;

const shape = withWholeHeads(z.object({ architecture: z.literal('gpt'), ...transformerSizes }));
type Gpt = z.output<typeof shape>;

/** A decoder: blocks that normalise first, and a norm at the end. */
function network(gpt: Gpt, { recompute, linear }: NetworkOptions): Network {
  const embeddings = new Embeddings({
    ...gpt,
    types: 0,
    norm: false,
    epsilon: EPSILON,
    deviation: DEVIATION,
  });
  const blocks = Array.from(
    { length: gpt.layers },
    (_, i) =>
      new Block(`blocks.${i}`, {
        ...gpt,
        linear,
        norm: 'pre',
        epsilon: EPSILON,
        activation: 'gelu-tanh',
        deviation: DEVIATION,
        residualDeviation: DEVIATION / Math.sqrt(2 * gpt.layers),
      }),
  );
  const stack = new Stack(blocks, { recompute });
  const norm = new LayerNorm('final.norm', gpt.hidden, EPSILON, 'factor');
  return {
    parameters: [...embeddings.parameters, ...stack.parameters, ...norm.parameters],
    forward(pass, tokens, sequences) {
      const stream = { ...sequences, causal: true };
      const embedded = embeddings.forward(pass, tokens, stream);
      return norm.forward(pass, stack.forward(pass, embedded, stream));
    },
  };
}

const config = z
  .looseObject({
    ...oneStack,
    n_embd: size,
    n_layer: layers,
    n_head: size,
    n_inner: size.nullable().default(null),
    n_positions: size,
    activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
    resid_pdrop: probability,
    attn_pdrop: probability,
    layer_norm_epsilon: z.literal(EPSILON).default(EPSILON),
    scale_attn_weights: yes,
    scale_attn_by_inverse_layer_idx: no,
  })
  .transform((from): Gpt => ({
    architecture: 'gpt',
    vocabulary: from.vocab_size,
    context: from.n_positions,
    layers: from.n_layer,
    hidden: from.n_embd,
    heads: from.n_head,
    intermediate: from.n_inner ?? 4 * from.n_embd,
    dropout: from.resid_pdrop,
    ...attentionDropoutOf(from.attn_pdrop, from.resid_pdrop),
  }));

export const gpt2: Family<Gpt, SectionOf<'gpt'>> = {
  architecture: 'gpt',
  shape,
  shapeOf: ({ intermediate, ...section }, { vocabulary }) => ({
    ...section,
    intermediate: intermediate ?? 4 * section.hidden,
    vocabulary,
  }),
  network,
  heads: {
    'causal-language-model': {
      className: 'GPT2LMHeadModel',
      make: (gpt) => LanguageModelHead.causal(gpt),
    },
  },
  huggingFace: {
    modelType: 'gpt2',
    otherClasses: { GPT2Model: null },
    config,
    format: (gpt) => ({
      model_type: 'gpt2',
      n_embd: gpt.hidden,
      n_layer: gpt.layers,
      n_head: gpt.heads,
      n_inner: gpt.intermediate,
      n_positions: gpt.context,
      activation_function: 'gelu_new',
      embd_pdrop: gpt.dropout,
      resid_pdrop: gpt.dropout,
      attn_pdrop: gpt.attentionDropout ?? gpt.dropout,
      layer_norm_epsilon: EPSILON,
    }),
    inputs: [],
    tensors: {
      prefix: 'transformer.',
      modules: {
        'embeddings.token': 'transformer.wte',
        'embeddings.position': 'transformer.wpe',
        'attention.qkv': 'transformer.h.#.attn.c_attn',
        'attention.output': 'transformer.h.#.attn.c_proj',
        'attention.norm': 'transformer.h.#.ln_1',
        'feedforward.up': 'transformer.h.#.mlp.c_fc',
        'feedforward.down': 'transformer.h.#.mlp.c_proj',
        'feedforward.norm': 'transformer.h.#.ln_2',
        'final.norm': 'transformer.ln_f',
      },
      transposed: true,
    },
  },
};
