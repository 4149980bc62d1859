/** Sizes and ids of tokens, by their keys in `config.json`. */
type Defaults = Readonly<Record<string, number>>;

const bertSizes = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  max_position_embeddings: 512,
};

const qwen = {
  vocab_size: 151_936,
  hidden_size: 4096,
  intermediate_size: 22_016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  max_position_embeddings: 32_768,
};

const pairedSizes = {
  d_model: 1024,
  encoder_layers: 12,
  encoder_attention_heads: 16,
  encoder_ffn_dim: 4096,
  decoder_layers: 12,
  decoder_attention_heads: 16,
  decoder_ffn_dim: 4096,
  max_position_embeddings: 1024,
};

const llama = {
  vocab_size: 32_000,
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  bos_token_id: 1,
  eos_token_id: 2,
};

/**
 * What the classes of `transformers` take for sizes and special tokens that a `config.json` lacks, by `model_type`
 * (`configuration_*.py`, 4.57 and 5.24). What depends on other keys, and what is supported in one value alone, is where a
 * family reads it.
 */
const defaults: ReadonlyMap<string, Defaults> = new Map<string, Defaults>([
  ['bert', { vocab_size: 30_522, ...bertSizes, pad_token_id: 0 }],
  [
    'roberta',
    { vocab_size: 50_265, ...bertSizes, pad_token_id: 1, bos_token_id: 0, eos_token_id: 2 },
  ],
  [
    'distilbert',
    {
      vocab_size: 30_522,
      dim: 768,
      n_layers: 6,
      n_heads: 12,
      hidden_dim: 3072,
      max_position_embeddings: 512,
      pad_token_id: 0,
    },
  ],
  [
    'electra',
    {
      vocab_size: 30_522,
      embedding_size: 128,
      hidden_size: 256,
      num_hidden_layers: 12,
      num_attention_heads: 4,
      intermediate_size: 1024,
      max_position_embeddings: 512,
      pad_token_id: 0,
    },
  ],
  [
    'gpt2',
    {
      vocab_size: 50_257,
      n_embd: 768,
      n_layer: 12,
      n_head: 12,
      n_positions: 1024,
      bos_token_id: 50_256,
      eos_token_id: 50_256,
    },
  ],
  ['llama', { ...llama, intermediate_size: 11_008, max_position_embeddings: 2048 }],
  ['mistral', { ...llama, intermediate_size: 14_336, max_position_embeddings: 131_072 }],
  ['qwen2', qwen],
  ['qwen3', qwen],
  [
    't5',
    {
      vocab_size: 32_128,
      d_model: 512,
      d_kv: 64,
      d_ff: 2048,
      num_layers: 6,
      num_heads: 8,
      pad_token_id: 0,
      eos_token_id: 1,
    },
  ],
  [
    'bart',
    {
      vocab_size: 50_265,
      ...pairedSizes,
      pad_token_id: 1,
      bos_token_id: 0,
      eos_token_id: 2,
      decoder_start_token_id: 2,
      forced_eos_token_id: 2,
    },
  ],
  [
    'marian',
    {
      vocab_size: 58_101,
      ...pairedSizes,
      pad_token_id: 58_100,
      eos_token_id: 0,
      decoder_start_token_id: 58_100,
      forced_eos_token_id: 0,
    },
  ],
]);

/**
 * A `config.json` with what `transformers` takes for the keys that it lacks; one that is null stays so. A token that its
 * vocabulary does not have is none.
 */
export function withDefaults(json: Readonly<Record<string, unknown>>, modelType: string): object {
  const taken = defaults.get(modelType) ?? {};
  const { vocab_size: vocabulary } = { ...taken, ...json };
  const fitting = Object.entries(taken).filter(
    ([key, value]) => !key.endsWith('_token_id') || value < Number(vocabulary),
  );
  return { ...Object.fromEntries(fitting), ...json };
}
