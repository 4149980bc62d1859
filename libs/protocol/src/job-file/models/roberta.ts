import { transformerSection } from './transformer.js';

/** RoBERTa (Liu et al., 2019). */
export const roberta = {
  kind: 'encoder',
  section: transformerSection(
    'roberta',
    'BERT without token types, with another classification head',
  ),
} as const;
