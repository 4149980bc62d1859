import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const jobFile = `kind: pretrain
name: tiny
model: { architecture: gpt, layers: 1, hidden: 8, heads: 1, context: 8 }
tokenizer: { algorithm: bpe, vocabulary: 300 }
data: { files: ["texts/*.txt", /elsewhere/more.txt], validation: dev.txt }
objective: causal-language-model
batch: { sequences: 4, microbatches: 4 }
optimizer: { learningRate: 1e-3 }
steps: 10
`;

/** Writes a job file into a directory, and returns its path. */
export function writeJobFile(directory: string, text = jobFile): string {
  const path = join(directory, 'job.yaml');
  writeFileSync(path, text);
  return path;
}
