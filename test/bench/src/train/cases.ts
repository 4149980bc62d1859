import { RingmasterError } from '@ringmaster/protocol';
import type { PeerOptions } from './sides.js';
import {
  BERT,
  CNN,
  GPT,
  GPT2,
  GPT2_SMALL,
  LLAMA,
  LORA,
  LSTM,
  T5,
  type TrainCase,
} from './shapes.js';

type Variant = Pick<PeerOptions, 'compile' | 'narrow' | 'allocator'>;

const PYTORCH: Variant = { compile: false, narrow: false, allocator: 'keeps memory' };
const VARIANTS = {
  PyTorch: PYTORCH,
  'PyTorch as installed': { ...PYTORCH, allocator: 'as installed' },
  'PyTorch compiled': { ...PYTORCH, compile: true },
  'PyTorch narrowed': { ...PYTORCH, narrow: true },
} as const satisfies Readonly<Record<string, Variant>>;

export interface Case extends Omit<TrainCase, 'microbatches'> {
  /** Each has one thread and computes one microbatch. */
  readonly workers: number;
  /** What it is made for, where it is not the processor. */
  readonly device?: 'gpu';
  /** What it is compared with; all variants where it is left out. */
  readonly peers?: readonly (keyof typeof VARIANTS)[];
  /** Nats that both learn at least. */
  readonly learned?: number;
}

const float32 = { precision: 'float32', workers: 2, dropout: 0 } as const;
const bfloat16 = { ...float32, precision: 'bfloat16' } as const;
const card = { workers: 1, device: 'gpu' } as const;
/** Of the larger models and the families of `transformers`. */
const plain = { peers: ['PyTorch'] } as const;

export const CASES: Readonly<Record<string, Case>> = {
  'gpt-float32': { ...float32, shape: GPT },
  'gpt-bfloat16': { ...bfloat16, shape: GPT },
  'bert-float32': { ...float32, shape: BERT },
  'bert-bfloat16': { ...bfloat16, shape: BERT },
  'llama-float32': { ...float32, ...plain, shape: LLAMA },
  'llama-bfloat16': { ...bfloat16, ...plain, shape: LLAMA },
  't5-float32': { ...float32, ...plain, shape: T5 },
  't5-bfloat16': { ...bfloat16, ...plain, shape: T5 },
  'lora-float32': { ...float32, ...plain, shape: LORA, learned: 0.02 },
  'lora-bfloat16': { ...bfloat16, ...plain, shape: LORA, learned: 0.02 },
  'lstm-float32': { ...float32, ...plain, shape: LSTM, learned: 0.01 },
  'cnn-float32': { ...float32, ...plain, shape: CNN, learned: 0.01 },
  'gpt2-float32': { ...float32, ...plain, shape: GPT2_SMALL },
  'gpt2-bfloat16': { ...bfloat16, ...plain, shape: GPT2_SMALL },
  'alone-gpt-float32': { ...float32, workers: 1, shape: GPT },
  'card-gpt-float32': { ...float32, ...card, shape: GPT },
  'card-gpt2-float32': { ...float32, ...card, shape: GPT2 },
  'card-gpt2-bfloat16': { ...bfloat16, ...card, shape: GPT2 },
  'alone-gpt-dropout': { ...float32, workers: 1, shape: GPT, dropout: 0.1 },
};

/** @throws USAGE */
export function caseOf(name: string): Case {
  const found = CASES[name];
  if (found !== undefined) return found;
  const reason = `there is no case ${name}; there are ${Object.keys(CASES).join(', ')}`;
  throw new RingmasterError('USAGE', { reason });
}

/**
 * What a case is compared with, by name. On a graphics card neither the allocator of the host nor rows that are left out
 * make a difference that is looked for.
 */
export function peersOf({ shape, device, peers }: Case): Readonly<Record<string, Variant>> {
  if (device === 'gpu') return { PyTorch: PYTORCH };
  const named = Object.entries<Variant>(VARIANTS).filter(
    ([name, { narrow }]) =>
      (peers?.some((peer) => peer === name) ?? true) &&
      (!narrow || shape.model.architecture === 'bert'),
  );
  return Object.fromEntries(named);
}
