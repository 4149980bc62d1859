import { randomInt } from 'node:crypto';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { GenerationRequest } from '../generation-request.js';

/** What a request asks for. */
export interface Asked {
  /** Name of the model; null where it names none. */
  readonly model: string | null;
  readonly from: GenerationRequest['from'];
  readonly options: Omit<GenerationRequest, 'from' | 'beams'>;
  /** Whether the answer comes as server-sent events, as it is made. */
  readonly stream: boolean;
  /** Whether a stream tells at its end how many tokens there were. */
  readonly usage: boolean;
}

/** Most texts to end at. */
const MOST_STOPS = 16;
/** New tokens of a completion that does not say how many, as of OpenAI. */
const COMPLETION_TOKENS = 16;
/** Seeds that are drawn are below this. */
const SEEDS = 2 ** 31;

const count = z.int().positive();
const nothing = (value: unknown) => z.literal(value as never).nullish();
const empty = z.strictObject({}).nullish();
const none = z.null().optional();
const stopText = z.string().min(1);

/** Fields of both kinds of request. Those of OpenAI that nothing here obeys are taken where they ask for nothing. */
const common = {
  model: z.string().nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().positive().max(1).nullish(),
  top_k: count.nullish(),
  min_p: z.number().positive().max(1).nullish(),
  repetition_penalty: z.number().positive().nullish(),
  max_tokens: count.nullish(),
  stop: z.union([stopText, z.array(stopText).max(MOST_STOPS)]).nullish(),
  seed: z.int().min(0).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
  /** Says who asks, and changes nothing. */
  user: z.string().nullish(),
  n: nothing(1),
  frequency_penalty: nothing(0),
  presence_penalty: nothing(0),
  logit_bias: empty,
};

const completionSchema = z.strictObject({
  ...common,
  prompt: z.union([z.string(), z.tuple([z.string()])]),
  best_of: nothing(1),
  echo: nothing(false),
  logprobs: none,
  suffix: none,
});

const part = z.strictObject({ type: z.literal('text'), text: z.string() });
const chatSchema = z.strictObject({
  ...common,
  messages: z
    .array(
      z.looseObject({
        role: z.string().min(1),
        content: z.union([
          z.string(),
          z.array(part).transform((parts) => parts.map(({ text }) => text).join('')),
        ]),
      }),
    )
    .min(1),
  max_completion_tokens: count.nullish(),
  logprobs: nothing(false),
  top_logprobs: none,
  response_format: z.strictObject({ type: z.literal('text') }).nullish(),
  tools: z.tuple([]).nullish(),
  tool_choice: nothing('none'),
  /** Says how tools are called, of which there are none. */
  parallel_tool_calls: z.boolean().nullish(),
  store: nothing(false),
  metadata: empty,
  service_tier: nothing('auto'),
});

/**
 * What a request for a completion asks for.
 * @throws REQUEST_INVALID, also for fields that are unknown or that nothing here obeys
 */
export function readCompletion(body: unknown): Asked {
  const { prompt, ...rest } = read(completionSchema, body);
  const [text] = [prompt].flat();
  return asked(rest, { prompt: text ?? '' }, rest.max_tokens ?? COMPLETION_TOKENS);
}

/**
 * What a request for an answer in a conversation asks for.
 * @param context Most tokens that the model reads: without a bound of its own an answer is as long as it can be.
 * @throws REQUEST_INVALID, also for fields that are unknown or that nothing here obeys
 */
export function readChat(body: unknown, context: number): Asked {
  const { messages, ...rest } = read(chatSchema, body);
  const { max_tokens: most, max_completion_tokens: alsoMost } = rest;
  if (typeof most === 'number' && typeof alsoMost === 'number')
    throw invalid('max_completion_tokens: it takes the place of max_tokens');
  return asked(rest, { messages }, alsoMost ?? most ?? context);
}

function asked(
  fields:
    | Omit<z.output<typeof completionSchema>, 'prompt'>
    | Omit<z.output<typeof chatSchema>, 'messages'>,
  from: GenerationRequest['from'],
  maxTokens: number,
): Asked {
  return {
    model: fields.model ?? null,
    from,
    options: {
      maxTokens,
      temperature: fields.temperature ?? 1,
      topK: fields.top_k ?? null,
      topP: fields.top_p ?? null,
      minP: fields.min_p ?? null,
      repetitionPenalty: fields.repetition_penalty ?? 1,
      stop: [fields.stop ?? []].flat(),
      seed: fields.seed ?? randomInt(SEEDS),
    },
    stream: fields.stream ?? false,
    usage: fields.stream_options?.include_usage ?? false,
  };
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  const what = issue?.message ?? 'it cannot be understood';
  throw invalid(where === '' ? what : `${where}: ${what}`);
}

function invalid(reason: string): RingmasterError {
  const remedy = 'docs/guides/serve.md says which fields there are.';
  return new RingmasterError('REQUEST_INVALID', { reason }, { remedy });
}
