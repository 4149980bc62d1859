import type { Command } from 'commander';
import { atLeast, gather, share, wholeNumber } from '../arguments.js';
import type { GenerateOptions } from '../generation.js';
import { clusterOptions, jsonOption } from '../verb.js';

const MOST = 999_999_999;

export function define(verb: Command): void {
  clusterOptions(jsonOption(verb))
    .option('--prompt <text>', 'what the text begins with, or is made of by an encoder-decoder')
    .option('--chat', 'give the prompt as what a user says, by the chat template of the model')
    .option('--system <text>', 'with --chat, what the model is told before')
    .option(
      '--messages <file>',
      'a conversation in place of a prompt: JSON, [{ "role", "content" }, …]; - for stdin',
    )
    .option('--max-tokens <n>', 'most new tokens', wholeNumber(1, MOST), 128)
    .option(
      '--temperature <x>',
      'how freely tokens are drawn; 0 takes the likeliest',
      atLeast(0),
      0,
    )
    .option('--top-k <k>', 'draw from the k likeliest tokens', wholeNumber(1, MOST))
    .option(
      '--top-p <p>',
      'draw from the likeliest tokens that together have this probability',
      share,
    )
    .option(
      '--min-p <p>',
      "draw from tokens with this share of the likeliest one's probability",
      share,
    )
    .option(
      '--repetition-penalty <x>',
      'makes tokens that are there already less likely',
      atLeast(0.01),
      1,
    )
    .option('--beams <b>', 'hypotheses of beam search, which draws nothing', wholeNumber(1, 64), 1)
    .option('--stop <text>', 'a text to end before; may be repeated', gather)
    .option('--seed <n>', 'where all randomness comes from', wholeNumber(0, MOST), 0)
    .addHelpText(
      'after',
      `
MODEL is the name or id of a model, or a directory in the layout of Hugging Face. What follows the prompt is printed as it
is made; with --json, { "text", "tokens", "finish" } at the end, where finish is "end" for the token that ends a text,
"stop" for one of the texts to stop at, or "length". The same model, options and seed give the same text.`,
    )
    .action(async (model: string, options: GenerateOptions) => {
      // Loaded here: it brings the model library, which few verbs need.
      const { generate } = await import('../generation.js');
      await generate(model, options);
    });
}
