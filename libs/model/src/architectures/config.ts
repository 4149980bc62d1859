import { RingmasterError } from '@ringmaster/protocol';

/** The shape of a model. It is what a job file's `model` section and a Hugging Face `config.json` come down to. */
export interface ModelConfig {
  readonly architecture: 'bert' | 'gpt';
  readonly layers: number;
  /** Width of the residual stream (H). */
  readonly hidden: number;
  /** Attention heads (A); they divide `hidden`. */
  readonly heads: number;
  /** Width inside the feed-forward networks. */
  readonly intermediate: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  readonly vocabulary: number;
  /** Rate of every dropout, in [0, 1). */
  readonly dropout: number;
  readonly positions: 'learned' | 'sinusoidal';
  /** Token types; 0 for none. */
  readonly types: number;
  /** Classes of a classification head. */
  readonly labels?: number;
}

export type HeadKind =
  'masked-language-model' | 'causal-language-model' | 'sequence-classification';

const SIZES = ['layers', 'hidden', 'heads', 'intermediate', 'context', 'vocabulary'] as const;

/** Throws MODEL_CONFIG_INVALID, naming the key, for a configuration that no model can have. */
export function checkConfig(config: ModelConfig, head: HeadKind): void {
  const problem = (key: string, reason: string): RingmasterError =>
    new RingmasterError('MODEL_CONFIG_INVALID', { key, reason });
  for (const key of SIZES) {
    const value = config[key];
    if (!Number.isSafeInteger(value) || value < 1)
      throw problem(key, `${value} is not a positive integer`);
  }
  if (config.hidden % config.heads !== 0)
    throw problem('heads', `${config.heads} does not divide hidden, ${config.hidden}`);
  if (!Number.isSafeInteger(config.types) || config.types < 0)
    throw problem('types', `${config.types} is not a count`);
  if (!(config.dropout >= 0 && config.dropout < 1))
    throw problem('dropout', `${config.dropout} is not in [0, 1)`);
  const causal = head === 'causal-language-model';
  if (causal !== (config.architecture === 'gpt'))
    throw problem('architecture', `a ${config.architecture} has no ${head} head`);
  if (head === 'sequence-classification' && !((config.labels ?? 0) >= 2))
    throw problem('labels', 'a classification head needs at least 2');
}
