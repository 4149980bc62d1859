import type { Command } from 'commander';
import { gather, httpPort, wholeNumber } from '../arguments.js';
import type { ServeOptions } from '../serving.js';
import { clusterOptions, jsonOption } from '../verb.js';

/** Port on which a model is served where none is given. */
const PORT = 8000;
/** Requests that may wait where no number is given. */
const QUEUE = 64;

export function define(verb: Command): void {
  clusterOptions(jsonOption(verb))
    .option('--port <port>', 'port to listen on; 0 for any', httpPort, PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--allowed-host <name>',
      'further name under which it is reached on loopback, by a proxy perhaps; may be repeated',
      gather,
    )
    .option('--token-file <file>', 'file with the token that requests have to have')
    .option('--queue <n>', 'most requests that wait', wholeNumber(0, 100_000), QUEUE)
    .addHelpText(
      'after',
      `
MODEL is the name or id of a model, or a directory in the layout of Hugging Face. It answers in the shapes of OpenAI's API
(POST /v1/completions and /v1/chat/completions, GET /v1/models, GET /health), and prints its address once it does. The same
options and seed give the text that ringmaster generate gives. It serves until SIGTERM, SIGHUP or Ctrl-C, and then
finishes what it has begun; a second Ctrl-C ends it at once. Beyond loopback it needs a token.`,
    )
    .action(async (model: string, options: ServeOptions) => {
      // Loaded here: it brings the model library, which few verbs need.
      const { serve } = await import('../serving.js');
      await serve(model, options);
    });
}
