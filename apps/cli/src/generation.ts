import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { runModel } from './model-program.js';
import { readTextFile } from './text-file.js';
import type { JsonOption } from './verb.js';

export interface GenerateOptions extends JsonOption {
  readonly prompt?: string;
  readonly chat?: true;
  readonly system?: string;
  readonly messages?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty: number;
  readonly beams: number;
  readonly stop?: readonly string[];
  readonly seed: number;
}

/** Has a model go on with a prompt, on our stdout. */
export async function generate(model: string, options: GenerateOptions): Promise<void> {
  const { maxTokens, temperature, repetitionPenalty, beams, stop = [], seed } = options;
  if (beams > 1 && temperature > 0)
    throw usage('--beams looks for the likeliest text and draws nothing: leave out --temperature');
  const request = {
    from: fromOf(options),
    maxTokens,
    temperature,
    topK: options.topK ?? null,
    topP: options.topP ?? null,
    minP: options.minP ?? null,
    repetitionPenalty,
    beams,
    stop: stop.filter((text) => text !== ''),
    seed,
  };
  await runModel(model, options, {
    program: 'generate.process.js',
    settings: options.json === true ? ['--json'] : [],
    input: { text: JSON.stringify(request) },
  });
}

const messagesSchema = z
  .array(z.looseObject({ role: z.string().min(1), content: z.string() }))
  .min(1);

/** What the model goes on with: a text, or a conversation. */
function fromOf({ prompt, chat, system, messages }: GenerateOptions) {
  if (messages !== undefined) {
    if (prompt !== undefined || system !== undefined)
      throw usage('--messages takes the place of --prompt and --system');
    return { messages: readMessages(messages) };
  }
  if (prompt === undefined) throw usage('--prompt or --messages is missing');
  if (chat === undefined) {
    if (system !== undefined) throw usage('--system goes with --chat');
    return { prompt };
  }
  const told = system === undefined ? [] : [{ role: 'system', content: system }];
  return { messages: [...told, { role: 'user', content: prompt }] };
}

function readMessages(path: string) {
  const refusal = (reason: string) => usage(`--messages ${path} cannot be read: ${reason}`);
  const text = readTextFile(path, refusal);
  try {
    return messagesSchema.parse(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw refusal('it is no JSON');
    throw refusal(z.prettifyError(error).replaceAll('\n', ' '));
  }
}

const usage = (reason: string) => new RingmasterError('USAGE', { reason });
