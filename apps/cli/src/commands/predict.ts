import type { Command } from 'commander';
import type { PredictOptions } from '../prediction.js';
import { clusterOptions } from '../verb.js';

export function define(verb: Command): void {
  clusterOptions(verb)
    .option('--input <file.jsonl>', 'JSON lines with the key "text" (default: stdin)')
    .option('--logits', 'print the raw logits as well')
    .addHelpText(
      'after',
      `
MODEL is the name or id of a model, or a directory in the layout of Hugging Face.
Each answer has the number of its line; "truncated" says that the model saw only a part of the text. A line that cannot
be read has an error in place of its answer, and the exit code is 1 in the end. On stdin a line may also be plain text:
  echo 'Claim your prize now' | ringmaster predict mail-spam`,
    )
    .action(async (model: string, options: PredictOptions) => {
      // Loaded here: it brings the model library, which no other verb needs.
      const { predict } = await import('../prediction.js');
      await predict(model, options);
    });
}
