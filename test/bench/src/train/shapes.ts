import type { JobSpec } from '@ringmaster/protocol';

/** What is trained, and on how much a step. */
export interface Shape {
  /** The `model` section of the job file, but for its dropout. */
  readonly model: {
    readonly architecture: keyof typeof TRAINING;
    readonly context: number;
    readonly hidden: number;
    readonly layers?: number;
    readonly decoderLayers?: number;
    readonly heads?: number;
    readonly keyValueHeads?: number;
    readonly tied?: boolean;
    readonly units?: number;
    readonly filters?: number;
  };
  readonly vocabulary: number;
  /** Sequences a step. */
  readonly sequences: number;
  /** Low-rank adapters of the projections of attention, which alone are trained. */
  readonly lora?: { readonly rank: number; readonly alpha: number };
  readonly learningRate?: number;
}

/** What both sides of a comparison are given alike. */
export interface TrainCase {
  readonly shape: Shape;
  readonly dropout: number;
  readonly microbatches: number;
  readonly precision: JobSpec['precision'];
}

/** What a family is trained for here, of which corpus, with which tokenizer. */
export const TRAINING = {
  gpt: { task: 'causal-language-model', corpus: 'lines', algorithm: 'bpe' },
  llama: { task: 'causal-language-model', corpus: 'lines', algorithm: 'bpe' },
  bert: { task: 'masked-language-model', corpus: 'lines', algorithm: 'wordpiece' },
  t5: { task: 'sequence-to-sequence', corpus: 'pairs', algorithm: 'bpe' },
  lstm: { task: 'text-classification', corpus: 'labelled', algorithm: 'wordpiece' },
  cnn: { task: 'text-classification', corpus: 'labelled', algorithm: 'wordpiece' },
} as const;

/** 5.29 million parameters. */
export const GPT: Shape = {
  model: { architecture: 'gpt', layers: 4, hidden: 256, heads: 4, context: 128 },
  vocabulary: 8192,
  sequences: 16,
};

/** 14.0 million parameters. */
export const BERT: Shape = {
  ...GPT,
  model: { architecture: 'bert', layers: 6, hidden: 384, heads: 6, context: 128 },
};

/** 92 million parameters: the blocks of GPT-2 small under a vocabulary that a small corpus fills. For graphics cards. */
export const GPT2: Shape = {
  model: { architecture: 'gpt', layers: 12, hidden: 768, heads: 12, context: 512 },
  vocabulary: 8192,
  sequences: 32,
};

/** 124 million parameters: GPT-2 small (Radford et al., 2019), with half its context, as both sides are loaded together. */
export const GPT2_SMALL: Shape = {
  model: { architecture: 'gpt', layers: 12, hidden: 768, heads: 12, context: 512 },
  vocabulary: 50_257,
  sequences: 2,
};

/** 52 million parameters. */
export const LLAMA: Shape = {
  model: {
    architecture: 'llama',
    layers: 12,
    hidden: 576,
    heads: 9,
    keyValueHeads: 3,
    context: 256,
    tied: false,
  },
  vocabulary: 8192,
  sequences: 8,
};

/** The same as a base: 0.5 million parameters are trained. */
export const LORA: Shape = { ...LLAMA, lora: { rank: 8, alpha: 16 }, learningRate: 3e-3 };

/** 48 million parameters: T5 small (Raffel et al., 2020) under a smaller vocabulary. */
export const T5: Shape = {
  model: { architecture: 't5', layers: 6, hidden: 512, heads: 8, context: 128 },
  vocabulary: 8192,
  sequences: 16,
};

/** 4.5 million parameters. */
export const LSTM: Shape = {
  model: { architecture: 'lstm', layers: 2, hidden: 256, units: 256, context: 128 },
  vocabulary: 8192,
  sequences: 64,
};

/** 2.5 million parameters. */
export const CNN: Shape = {
  model: { architecture: 'cnn', hidden: 256, filters: 128, context: 128 },
  vocabulary: 8192,
  sequences: 128,
};

/** The same for both sides; the schedule is flat, so that both take the same step. */
const OPTIMIZER = {
  learningRate: 1e-3,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clip: 1,
} as const;

export function optimizerOf({ learningRate = OPTIMIZER.learningRate }: Shape) {
  return { ...OPTIMIZER, learningRate };
}

export const SEED = 1;

/** A shape in words. */
export function describe({ model, vocabulary, sequences, lora }: Shape): string {
  const { architecture, ...sizes } = model;
  const keys = Object.entries({ ...sizes, vocabulary, ...lora, sequences });
  return `${architecture}: ${keys.map(([key, value]) => `${key} ${value}`).join(', ')}`;
}
