import type { ModelConfig } from '../architectures/config.js';

type Architecture = ModelConfig['architecture'];

/** A tensor of a Hugging Face checkpoint, and the elements of one of our parameters that it holds. */
export interface Part {
  /** Name in a checkpoint of a class with a head, such as `BertForMaskedLM`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in our parameter. */
  readonly offset: number;
  readonly length: number;
  /** The checkpoint holds [in, out] where we hold [out, in]. */
  readonly transposed: boolean;
}

/** Prefix of everything but the head; checkpoints of a headless class lack it. */
const BASE_PREFIX = { bert: 'bert.', gpt: 'transformer.' } as const;

const BERT_NAMES: Readonly<Record<string, string>> = {
  'embeddings.token': 'bert.embeddings.word_embeddings',
  'embeddings.position': 'bert.embeddings.position_embeddings',
  'embeddings.type': 'bert.embeddings.token_type_embeddings',
  'embeddings.norm': 'bert.embeddings.LayerNorm',
  'attention.output': 'bert.encoder.layer.#.attention.output.dense',
  'attention.norm': 'bert.encoder.layer.#.attention.output.LayerNorm',
  'feedforward.up': 'bert.encoder.layer.#.intermediate.dense',
  'feedforward.down': 'bert.encoder.layer.#.output.dense',
  'feedforward.norm': 'bert.encoder.layer.#.output.LayerNorm',
  'head.transform': 'cls.predictions.transform.dense',
  'head.norm': 'cls.predictions.transform.LayerNorm',
  head: 'cls.predictions',
  pooler: 'bert.pooler.dense',
  classifier: 'classifier',
};

const BERT_QKV = ['query', 'key', 'value'].map(
  (part) => `bert.encoder.layer.#.attention.self.${part}`,
);

const GPT_NAMES: Readonly<Record<string, string>> = {
  'embeddings.token': 'transformer.wte',
  'embeddings.position': 'transformer.wpe',
  'attention.qkv': 'transformer.h.#.attn.c_attn',
  'attention.output': 'transformer.h.#.attn.c_proj',
  'attention.norm': 'transformer.h.#.ln_1',
  'feedforward.up': 'transformer.h.#.mlp.c_fc',
  'feedforward.down': 'transformer.h.#.mlp.c_proj',
  'feedforward.norm': 'transformer.h.#.ln_2',
  'final.norm': 'transformer.ln_f',
};

/**
 * The tensors of a Hugging Face checkpoint that one of our parameters consists of. BERT keeps query, key and value
 * apart, where we stack their rows; GPT-2's `Conv1D` keeps matrices as [in, out], where we keep [out, in]. Null for a
 * parameter that the architecture has no name for.
 */
export function partsOf(
  architecture: Architecture,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
): readonly Part[] | null {
  const match = /^(?:blocks\.(?<block>\d+)\.)?(?<module>.+)\.(?<leaf>weight|bias)$/.exec(name);
  const { block = '', module = '', leaf = '' } = match?.groups ?? {};
  const names = moduleNames(architecture, module);
  if (names === null) return null;
  const transposed = architecture === 'gpt' && block !== '' && shape.length === 2;
  const [rows = 0, ...columns] = shape;
  const partShape = [rows / names.length, ...columns];
  const length = partShape.reduce((product, dimension) => product * dimension, 1);
  return names.map((template, index) => ({
    name: `${template.replace('#', block)}.${leaf}`,
    shape: transposed ? partShape.toReversed() : partShape,
    offset: index * length,
    length,
    transposed,
  }));
}

function moduleNames(architecture: Architecture, module: string): readonly string[] | null {
  if (architecture === 'bert' && module === 'attention.qkv') return BERT_QKV;
  const name = (architecture === 'bert' ? BERT_NAMES : GPT_NAMES)[module];
  return name === undefined ? null : [name];
}

/** Names under which older or headless checkpoints keep the tensor that is now called `name`, newest first. */
export function namesInCheckpoints(architecture: Architecture, name: string): readonly string[] {
  const prefix = BASE_PREFIX[architecture];
  const headless = name.startsWith(prefix) ? [name, name.slice(prefix.length)] : [name];
  return headless.flatMap((candidate) => [
    candidate,
    candidate
      .replace('LayerNorm.weight', 'LayerNorm.gamma')
      .replace('LayerNorm.bias', 'LayerNorm.beta'),
  ]);
}
