/** A thread that learns a vocabulary: half a million words and what is known of their pairs are given back with it. */
import { workerData } from 'node:worker_threads';
import type { TokenizerRequest } from '@ringmaster/protocol';
import type { CountAnswer } from '../tasks/count.js';
import { serveThread } from '../threads/serve-thread.js';
import { Learner } from './learner.js';

export interface LearnerData {
  /** For counts that do not fit into memory. */
  readonly directory: string;
}

/** Counts of words that come to those before, or what is to be learned from all of them. */
export type LearnerRequest = { readonly add: CountAnswer } | { readonly learn: TokenizerRequest };

const learner = new Learner((workerData as LearnerData).directory);

/** A `tokenizer.json`; nothing where counts have come. */
serveThread((request: LearnerRequest): string => {
  if ('learn' in request) return learner.learn(request.learn);
  learner.add(request.add);
  return '';
});
