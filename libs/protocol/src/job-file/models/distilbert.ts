import { transformerSection } from './transformer.js';

/** DistilBERT (Sanh et al., 2019). */
export const distilbert = {
  kind: 'encoder',
  section: transformerSection('distilbert', 'BERT without token types and pooler'),
} as const;
