import { transformerSection } from './transformer.js';

/** GPT-2 (Radford et al., 2019). */
export const gpt = {
  kind: 'decoder',
  section: transformerSection('gpt', 'causal decoder'),
} as const;
