import { transformerSection } from './transformer.js';

/** BERT (Devlin et al., 2019). */
export const bert = {
  kind: 'encoder',
  section: transformerSection('bert', 'bidirectional encoder'),
} as const;
