import { RingmasterError } from '@ringmaster/protocol';
import { runModel } from './model-program.js';
import type { JsonOption } from './verb.js';

export interface GenerateOptions extends JsonOption {
  readonly prompt: string;
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
  const { prompt, maxTokens, temperature, repetitionPenalty, beams, stop = [], seed } = options;
  if (beams > 1 && temperature > 0) {
    const reason =
      '--beams looks for the likeliest text and draws nothing: leave out --temperature';
    throw new RingmasterError('USAGE', { reason });
  }
  const request = {
    prompt,
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
