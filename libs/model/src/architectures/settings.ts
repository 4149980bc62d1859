import type { Activation } from '../kernels/index.js';
import type { ModelConfig } from './config.js';

/** Everything in which one transformer differs from another, beyond its sizes. */
export interface TransformerSettings {
  /** See `ResidualOptions`; a `pre` model has a final norm. */
  readonly norm: 'pre' | 'post';
  readonly embeddingNorm: boolean;
  readonly activation: Activation;
  /** ε of every layer norm. */
  readonly epsilon: number;
  /** Whether a token sees only those before it. */
  readonly causal: boolean;
  /** Standard deviation of initial weights. */
  readonly deviation: number;
  /** That of the projections that end in the residual stream. */
  readonly residualDeviation: number;
}

/** BERT (Devlin et al., 2019) as Hugging Face's `BertModel`. */
function bert(): TransformerSettings {
  return {
    norm: 'post',
    embeddingNorm: true,
    activation: 'gelu',
    epsilon: 1e-12,
    causal: false,
    deviation: 0.02,
    residualDeviation: 0.02,
  };
}

/** GPT-2 (Radford et al., 2019) as Hugging Face's `GPT2Model`. */
function gpt({ layers }: ModelConfig): TransformerSettings {
  return {
    norm: 'pre',
    embeddingNorm: false,
    activation: 'gelu-tanh',
    epsilon: 1e-5,
    causal: true,
    deviation: 0.02,
    residualDeviation: 0.02 / Math.sqrt(2 * layers),
  };
}

export function settingsOf(config: ModelConfig): TransformerSettings {
  return { bert, gpt }[config.architecture](config);
}
