import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MARKUP } from '@ringmaster/data';
import { artifactManifestSchema } from '@ringmaster/protocol';
import { eventually, temporaryDirectory } from '@ringmaster/testing';
import { Runtime } from '@ringmaster/tensorflow';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GPT, T5, writeModel } from '../models.test.fixture.js';
import { openModel } from '../opened-model.js';
import { TextModel, type TextOptions } from '../text-model.js';
import { composing } from './composing.js';
import { ModelServer, type ServingOptions } from './server.js';

const directory = temporaryDirectory();
/** Its texts are long enough for a client to leave in the middle of one. */
const CONTEXT = 1024;
let model: TextModel;
beforeAll(async () => {
  await writeModel(directory, { ...GPT, context: CONTEXT }, 'causal-language-model');
  const template =
    "{% if messages[0].role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}" +
    '{% for message in messages %}{{ message.content }}{% endfor %}';
  await writeFile(join(directory, 'chat_template.jinja'), template);
  model = await TextModel.load(await openModel({ 'model-directory': directory }));
});

const open = new Set<ModelServer>();
afterEach(async () => {
  for (const server of open) {
    server.http.closeAllConnections();
    await server.drain();
  }
  open.clear();
});

/** Serves a model; returns the server and its address. */
async function serving(changes: Partial<ServingOptions> = {}, served = model) {
  const access = { loopback: true, host: '127.0.0.1', allowedHosts: [] };
  const tokens = { refusal: () => null };
  const server = new ModelServer(served, {
    name: 'tiny',
    id: null,
    access: { ...access, tokens },
    queue: 8,
    ...changes,
  });
  open.add(server);
  server.http.listen(0, '127.0.0.1');
  await once(server.http, 'listening');
  return { server, url: `http://127.0.0.1:${(server.http.address() as AddressInfo).port}` };
}

const post = (url: string, body: unknown, signal?: AbortSignal) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

interface Told {
  readonly object: string;
  readonly seed: number;
  readonly choices: readonly {
    readonly text?: string;
    readonly message?: { readonly role: string; readonly content: string };
    readonly delta?: { readonly role?: string; readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Readonly<Record<string, number>>;
  readonly error?: { readonly code: string; readonly message: string };
}
const told = async (answer: Response) => (await answer.json()) as Told;

/** The events of a stream. */
async function events(answer: Response): Promise<Told[]> {
  const lines = (await answer.text()).split('\n\n');
  expect(lines.slice(-2)).toEqual(['data: [DONE]', '']);
  return lines.slice(0, -2).map((line) => JSON.parse(line.replace(/^data: /, '')) as Told);
}

const OPTIONS: TextOptions = {
  maxTokens: 16,
  temperature: 1,
  topK: null,
  topP: null,
  minP: null,
  repetitionPenalty: 1,
  beams: 1,
  stop: [],
  seed: 0,
};

/** What `ringmaster generate` makes of a prompt. */
async function generated(prompt: string, options: Partial<TextOptions>) {
  const { beginning } = await model.begin({ prompt });
  return model.generate(beginning, { ...OPTIONS, ...options }, () => undefined)!;
}

describe('a completion', () => {
  it.each([
    ['drawn by a seed', { seed: 3 }, { seed: 3 }],
    ['the likeliest', { temperature: 0, max_tokens: 40 }, { temperature: 0, maxTokens: 40 }],
    [
      'drawn from fewer tokens',
      { seed: 7, top_p: 0.9, top_k: 50, min_p: 0.01, repetition_penalty: 1.2, temperature: 0.8 },
      { seed: 7, topP: 0.9, topK: 50, minP: 0.01, repetitionPenalty: 1.2, temperature: 0.8 },
    ],
  ] as const)('%s is the text of generate, whole and in parts', async (_, fields, options) => {
    const { url } = await serving();
    const wanted = await generated('you have', options);
    const body = { model: 'tiny', prompt: 'you have', ...fields };
    const [whole, parts] = await Promise.all([
      post(`${url}/v1/completions`, body).then(told),
      post(`${url}/v1/completions`, {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      }).then(events),
    ]);
    expect(whole).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: wanted.text, finish_reason: 'length' }],
      usage: { completion_tokens: wanted.tokens.length },
    });
    const texts = parts.flatMap(({ choices }) => choices.map(({ text }) => text));
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join('')).toBe(wanted.text);
    expect(parts.at(-2)?.choices[0]?.finish_reason).toBe('length');
    expect(parts.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });

  it('ends before a text to stop at, of which no part is sent', async () => {
    const { url } = await serving();
    const { text: whole } = await generated('you', { temperature: 0 });
    const stop = whole.slice(4, 7);
    const body = { prompt: ['you'], temperature: 0, stop: ['nowhere', stop] };
    const answer = await told(await post(`${url}/v1/completions`, body));
    const text = whole.slice(0, whole.indexOf(stop));
    expect(answer.choices).toMatchObject([{ text, finish_reason: 'stop' }]);
    const parts = await events(await post(`${url}/v1/completions`, { ...body, stream: true }));
    expect(parts.flatMap(({ choices }) => choices.map((each) => each.text)).join('')).toBe(text);
  });

  it('without a seed tells the one that was drawn', async () => {
    const { url } = await serving();
    const ask = (fields: object) =>
      post(`${url}/v1/completions`, { prompt: 'you', ...fields }).then(told);
    const [first, second] = await Promise.all([ask({}), ask({})]);
    expect(first.seed).not.toBe(second.seed);
    expect((await ask({ seed: first.seed })).choices).toEqual(first.choices);
  });

  it('is what an encoder–decoder makes of its source', async () => {
    const paired = join(directory, 'paired');
    await mkdir(paired);
    await writeModel(paired, T5, 'sequence-to-sequence');
    const served = await TextModel.load(await openModel({ 'model-directory': paired }));
    const { url } = await serving({}, served);
    const { beginning } = await served.begin({ prompt: 'you have' });
    const wanted = served.generate(beginning, { ...OPTIONS, temperature: 0 }, () => undefined)!;
    const body = { prompt: 'you have', temperature: 0 };
    const answer = await told(await post(`${url}/v1/completions`, body));
    expect(answer.choices[0]?.text).toBe(wanted.text);
    expect(answer.usage?.['prompt_tokens']).toBe(beginning.source?.length);
    const chat = { messages: [{ role: 'user', content: 'you' }] };
    const refused = await told(await post(`${url}/v1/chat/completions`, chat));
    expect(refused.error?.code).toBe('MODEL_UNUSABLE');
  });
});

describe('an answer in a conversation', () => {
  const messages = [
    { role: 'system', content: 'you' },
    { role: 'user', content: [{ type: 'text', text: ' have' }] },
  ];

  it('is the text of generate by the chat template, whole and in parts', async () => {
    const { url } = await serving();
    const wanted = await generated('you have', { seed: 5, maxTokens: 20 });
    const body = { messages, seed: 5, max_completion_tokens: 20, n: 1, logprobs: false };
    const whole = await told(await post(`${url}/v1/chat/completions`, body));
    expect(whole).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: wanted.text }, finish_reason: 'length' }],
    });
    const answer = await post(`${url}/v1/chat/completions`, { ...body, stream: true });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const parts = await events(answer);
    expect(parts[0]?.choices).toMatchObject([{ delta: { role: 'assistant', content: '' } }]);
    const texts = parts.map(({ choices }) => choices[0]?.delta?.content ?? '');
    expect(texts.join('')).toBe(wanted.text);
    expect(parts.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  it('goes on from what was said cleaned as in training', async () => {
    const opened = await openModel({ 'model-directory': directory });
    const hash = 'a'.repeat(64);
    const manifest = artifactManifestSchema.parse({
      format: 1,
      kind: 'model',
      job: 'j-1',
      name: 'm',
      step: 1,
      evaluations: 0,
      stateHash: hash,
      specHash: hash,
      dataManifest: hash,
      baseManifest: null,
      task: 'text-generation',
      labels: null,
      metrics: {},
      files: {},
      cleaning: MARKUP,
    });
    const trained = await TextModel.load({ ...opened, manifest });
    const said = (content: string) => ({ messages: [{ role: 'user', content }] });
    const dirty = said('<b>you\u200b</b> cafe\u0301');
    expect(await trained.begin(dirty)).toEqual(await trained.begin(said('you café')));
    expect(await model.begin(dirty)).not.toEqual(await model.begin(said('you café')));
  });

  it('goes on to the end of the context, where it is not bounded', async () => {
    const { url } = await serving();
    const answer = await told(await post(`${url}/v1/chat/completions`, { messages }));
    expect(answer.usage?.['total_tokens']).toBe(CONTEXT);
  });
});

describe('what is asked otherwise', () => {
  const PROMPT = { prompt: 'you' };
  const CHAT = { messages: [{ role: 'user', content: 'you' }] };
  it.each<[string, string, unknown, number, string, string]>([
    ['an unknown field', 'completions', { ...PROMPT, frob: 1 }, 400, 'REQUEST_INVALID', 'frob'],
    ['two texts', 'completions', { ...PROMPT, n: 2 }, 400, 'REQUEST_INVALID', 'n: '],
    ['token ids', 'completions', { prompt: [1, 2] }, 400, 'REQUEST_INVALID', 'prompt'],
    ['an echo', 'completions', { ...PROMPT, echo: true }, 400, 'REQUEST_INVALID', 'echo'],
    ['a negative seed', 'completions', { ...PROMPT, seed: -1 }, 400, 'REQUEST_INVALID', 'seed'],
    ['no token', 'completions', { ...PROMPT, max_tokens: 0 }, 400, 'REQUEST_INVALID', 'max_tokens'],
    ['a tool', 'chat/completions', { ...CHAT, tools: [{}] }, 400, 'REQUEST_INVALID', 'tools'],
    [
      'a choice of tools',
      'chat/completions',
      { ...CHAT, tool_choice: 'required' },
      400,
      'REQUEST_INVALID',
      'tool_choice',
    ],
    ['to be kept', 'chat/completions', { ...CHAT, store: true }, 400, 'REQUEST_INVALID', 'store'],
    [
      'what is to be kept with it',
      'chat/completions',
      { ...CHAT, metadata: { topic: 'x' } },
      400,
      'REQUEST_INVALID',
      'metadata',
    ],
    [
      'a picture',
      'chat/completions',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      400,
      'REQUEST_INVALID',
      'messages.0.content',
    ],
    [
      'both bounds',
      'chat/completions',
      { ...CHAT, max_tokens: 1, max_completion_tokens: 1 },
      400,
      'REQUEST_INVALID',
      'max_completion_tokens',
    ],
    [
      'what the template refuses',
      'chat/completions',
      { messages: [{ role: 'tool', content: '' }] },
      400,
      'CHAT_TEMPLATE_INVALID',
      'no tools',
    ],
    ['another model', 'completions', { ...PROMPT, model: 'big' }, 404, 'MODEL_NOT_FOUND', 'tiny'],
    ['no JSON', 'completions', '{', 400, 'REQUEST_INVALID', 'JSON'],
    [
      'a prompt beyond the context',
      'completions',
      { prompt: 'you have '.repeat(CONTEXT) },
      400,
      'PROMPT_TOO_LONG',
      String(CONTEXT - 1),
    ],
    [
      'a body beyond the limit',
      'completions',
      { prompt: 'you have '.repeat(1024 * 1024) },
      413,
      'REQUEST_TOO_LARGE',
      'longer',
    ],
  ])('%s is refused with a code', async (_, path, body, status, code, named) => {
    const { url } = await serving();
    const answer = await post(`${url}/v1/${path}`, body);
    expect(answer.status).toBe(status);
    const { error } = await told(answer);
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(named);
  });

  it.each([
    ['completions', { ...PROMPT, logprobs: null, suffix: null, best_of: null, echo: null }],
    [
      'chat/completions',
      {
        ...CHAT,
        tools: [],
        tool_choice: 'none',
        parallel_tool_calls: true,
        store: false,
        metadata: {},
        service_tier: 'auto',
        top_logprobs: null,
        logit_bias: {},
      },
    ],
    [
      'chat/completions',
      {
        ...CHAT,
        tools: null,
        tool_choice: null,
        parallel_tool_calls: null,
        store: null,
        metadata: null,
        service_tier: null,
        logprobs: null,
        response_format: null,
      },
    ],
  ])('of %s by fields that ask for nothing is passed over', async (path, body) => {
    const { url } = await serving();
    expect((await post(`${url}/v1/${path}`, { ...body, max_tokens: 1 })).status).toBe(200);
  });

  it('by another path, method or type of body is refused with a code', async () => {
    const { url } = await serving();
    const refusals = await Promise.all([
      fetch(`${url}/v1/embeddings`),
      fetch(`${url}/v1/completions`),
      fetch(`${url}/constructor`),
      fetch(`${url}/v1/completions`, { method: 'POST', body: '{"prompt":"you"}' }),
    ]);
    const codes = await Promise.all(refusals.map(async (each) => (await told(each)).error?.code));
    expect(codes).toEqual([
      'NOT_FOUND',
      'METHOD_NOT_ALLOWED',
      'NOT_FOUND',
      'MEDIA_TYPE_UNSUPPORTED',
    ]);
    expect(refusals[1].headers.get('allow')).toBe('POST');
  });
});

it('tells what it serves, and that it is well', async () => {
  const { url } = await serving();
  const models = await fetch(`${url}/v1/models`);
  expect(await models.json()).toMatchObject({
    object: 'list',
    data: [{ id: 'tiny', object: 'model' }],
  });
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  expect((await fetch(`${url}/health`, { method: 'HEAD' })).status).toBe(200);
});

it('tells of the model by its name and id, escaped too, and of no other', async () => {
  const { url } = await serving({ name: 'tiny one', id: 'tiny-0123' });
  const asked = ['tiny%20one', 'tiny-0123', 'big', '%zz'];
  const answers = await Promise.all(asked.map((name) => fetch(`${url}/v1/models/${name}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 404]);
  const [byName, byId, other] = await Promise.all(answers.map((each) => each.json()));
  expect(byName).toMatchObject({ id: 'tiny one', object: 'model' });
  expect(byId).toEqual(byName);
  expect(other).toMatchObject({ error: { code: 'MODEL_NOT_FOUND' } });
});

it('takes nothing from web pages of elsewhere', async () => {
  const { url } = await serving();
  const codes = [
    { host: 'evil.example' },
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ].map(async (headers) => {
    const type = { 'content-type': 'application/json' };
    const request = send(`${url}/v1/completions`, {
      method: 'POST',
      headers: { ...type, ...headers },
    });
    request.end('{"prompt":"you"}');
    const [answer] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    return (JSON.parse(await text(answer)) as Told).error?.code;
  });
  expect(await Promise.all(codes)).toEqual(['HOST_REFUSED', 'ORIGIN_REFUSED', 'ORIGIN_REFUSED']);
});

/** Begins a text that goes on for long, and waits for the first of it. */
async function longText(url: string, signal?: AbortSignal): Promise<Response> {
  const body = { prompt: 'you', stream: true, max_tokens: CONTEXT - 1, temperature: 0 };
  return post(`${url}/v1/completions`, body, signal);
}

describe('several at once', () => {
  it('wait in a line that has an end, and take the place of a client that leaves', async () => {
    const { url } = await serving({ queue: 1 });
    const body = { prompt: 'you', max_tokens: 2, temperature: 0 };
    const leaving = new AbortController();
    const going = await Promise.all(Array.from({ length: 4 }, () => longText(url, leaving.signal)));
    expect(going.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const others = Array.from({ length: 2 }, () => post(`${url}/v1/completions`, body));
    const refused = await Promise.race(others);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await told(refused)).error?.code).toBe('SERVER_BUSY');
    leaving.abort();
    const statuses = (await Promise.all(others)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 429]);
  });

  it('on one connection end with it, and hold up no end of the server', async () => {
    const { server, url } = await serving();
    const body = JSON.stringify({ prompt: 'you', stream: true, max_tokens: CONTEXT - 1 });
    const request =
      'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
      `content-length: ${body.length}\r\n\r\n${body}`;
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    client.write(request.repeat(6));
    await once(client, 'data');
    client.destroy();
    const other = post(`${url}/v1/completions`, { prompt: 'you', max_tokens: 2 });
    expect((await other).status).toBe(200);
    await server.drain();
  });

  it('free what they hold when they are ended before their time', async () => {
    const { beginning } = await model.begin({ prompt: 'you' });
    const runtime = Runtime.open();
    const live = async () => {
      const leaving = new AbortController();
      const options = { ...OPTIONS, temperature: 0, maxTokens: CONTEXT };
      const parts = composing(model, beginning, options, leaving.signal);
      for (let part = 0; part < 8; part++) await parts.next();
      leaving.abort();
      await expect(parts.next()).rejects.toThrow('aborted');
      return runtime.live;
    };
    // What is made of the weights at the first text stays.
    const first = await live();
    expect(await live()).toBe(first);
  });

  it('are finished at the end, and those that wait are refused', async () => {
    const { server, url } = await serving({ queue: 4 });
    const going = await Promise.all(Array.from({ length: 4 }, () => longText(url)));
    const waiting = post(`${url}/v1/completions`, { prompt: 'you' });
    await eventually('a request that waits', async () => {
      const count = await new Promise<number>((resolve) => {
        server.http.getConnections((_, found) => {
          resolve(found);
        });
      });
      return count >= 5;
    });
    const drained = server.drain();
    const refused = await waiting;
    expect([refused.status, (await told(refused)).error?.code]).toEqual([503, 'SERVER_STOPPING']);
    const texts = await Promise.all(going.map(events));
    for (const parts of texts) expect(parts.at(-1)?.choices[0]?.finish_reason).toBe('length');
    await drained;
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });
});
