import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BlobStore,
  ChatTemplate,
  encodeConversation,
  LEARNED_AT,
  loadTokenizer,
  openDataset,
  prepareData,
} from '@ringmaster/data';
import { targetsOf } from '@ringmaster/model/batch';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tasks } from '../tasks.js';

interface Case {
  readonly tokenizer: string;
  readonly template: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tokens: readonly number[];
  readonly mask: readonly number[];
}
const { templates, tokenizers, cases } = JSON.parse(
  readFileSync(new URL('../../reference/answers.json', import.meta.url), 'utf8'),
) as {
  templates: Readonly<Record<string, string>>;
  tokenizers: Readonly<Record<string, object>>;
  cases: readonly Case[];
};
const tokens = { bos_token: '<s>', eos_token: '</s>' };
const formatOf = (name: string) => ({ source: templates[name] ?? '', tokens, now: LEARNED_AT });
const tokenizerOf = (name: string) => loadTokenizer(JSON.stringify(tokenizers[name]));

/** 1 for each token that is an answer. */
function maskOf(length: number, answers: ArrayLike<number>): number[] {
  const mask = new Array<number>(length).fill(0);
  for (let pair = 0; pair + 1 < answers.length; pair += 2)
    mask.fill(1, answers[pair], (answers[pair + 1] ?? 0) + 1);
  return mask;
}

describe('a conversation', () => {
  it.each(cases.map((each) => [each.tokenizer, each.template, each] as const))(
    'has the tokens and the answers of transformers and TRL: %s, %s',
    (tokenizer, template, { messages, tokens: expected, mask }) => {
      const written = new ChatTemplate(formatOf(template)).withAnswers(messages);
      const found = encodeConversation(written, tokenizerOf(tokenizer));
      expect(found.tokens).toEqual(expected);
      expect(maskOf(expected.length, found.answers)).toEqual(mask);
    },
  );

  it('is refused by a template that writes turns otherwise once others follow', () => {
    const source =
      '{% for m in messages %}{{ m.role if loop.last else "earlier" }}: {{ m.content }}\n{% endfor %}';
    const template = new ChatTemplate({ source, tokens });
    const [user, assistant] = ['user', 'assistant'].map((role) => ({ role, content: 'hello' }));
    expect(() => template.withAnswers([user!, assistant!, user!])).toThrow(
      expect.objectContaining({ code: 'CHAT_TEMPLATE_REWRITES' }),
    );
    // Marks tell what is generated whatever comes before it.
    const marked = source.replace(
      '{{ m.content }}',
      '{% generation %}{{ m.content }}{% endgeneration %}',
    );
    const { text, answers } = new ChatTemplate({ source: marked, tokens }).withAnswers([user!]);
    expect(answers.map(([start, end]) => text.slice(start, end))).toEqual(['hello']);
  });
});

describe('a template that writes the date', () => {
  const guarded =
    '{% if strftime_now is defined %}{% set day = strftime_now("%d %b %Y") %}{% else %}{% set day = "never" %}{% endif %}';
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'ho' },
  ];
  afterEach(() => vi.useRealTimers());

  it.each([
    ['guarded', `${guarded}{{ day }}|`, '26 Jul 2024|'],
    [
      'whole',
      '\n  {{ strftime_now("%A, %d %B %y, %H:%M:%S, %q%%") }}|',
      '\n  Friday, 26 July 24, 00:00:00, %q%|',
    ],
    [
      'marked',
      '{{ strftime_now("%Y-%m-%d %a") }}|{% generation %}{% endgeneration %}',
      '2024-07-26 Fri|',
    ],
  ])(
    'is told one day where it is learned from, and today where it is asked: %s',
    (_, head, text) => {
      const source = `${head}{% for m in messages %}{{ m.content }}{% endfor %}`;
      const written = (day: string) => {
        vi.setSystemTime(new Date(day));
        return [
          { source, tokens, now: LEARNED_AT },
          { source, tokens },
        ].map((format) => new ChatTemplate(format).withAnswers(messages).text);
      };
      const [learned, asked] = written('2025-03-04T12:00Z');
      expect(learned).toBe(`${text}hiho`);
      expect(written('2031-10-11T12:00Z')[0]).toBe(learned);
      expect(written('2031-10-11T12:00Z')[1]).not.toBe(asked);
    },
  );
});

describe('text generation', () => {
  const directory = temporaryDirectory();
  const { 'text-generation': task } = tasks;
  const CONTEXT = 24;
  const turns = cases.filter((each) => each.tokenizer === 'bytes' && each.template === 'marked');

  async function prepare(
    rows: readonly object[],
    chat: { source: string } | null,
    tokenizer: object = tokenizers['bytes']!,
  ) {
    const files = join(directory, 'rows.jsonl');
    const tokenizerFile = join(directory, 'tokenizer.json');
    writeFileSync(files, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(tokenizerFile, JSON.stringify(tokenizer));
    const store = new BlobStore(join(directory, 'blobs'));
    const needs = { prompt: 'found', completion: 'found', messages: 'found' } as const;
    const format = chat === null ? null : { ...chat, tokens, now: LEARNED_AT };
    const { manifest } = await prepareData(
      { data: { files, cleaning: [] }, needs, tokenizerFile, chat: format },
      { store, index: join(directory, 'index'), threads: 1 },
    );
    return openDataset(manifest, (sha256) => store.path(sha256));
  }

  it('predicts the tokens of answers, each after those before it, within the context', async () => {
    const rows = [
      ...turns.map(({ messages }) => ({ messages })),
      { prompt: 'Hello', completion: ' there' },
    ];
    const dataset = await prepare(rows, formatOf('marked'));
    const { manifest, splits } = dataset;
    expect(manifest.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['messages', 'tokens'],
      ['answers', 'spans'],
    ]);
    const reader = { kind: 'decoder', texts: null, windows: null, context: CONTEXT } as const;
    const set = task.samples(dataset, 'train', reader);
    expect(set.count).toBe(rows.length);
    expect(task.count(manifest, 'train', CONTEXT)).toBe(rows.length);
    const { encode } = { encode: (text: string) => tokenizerOf('bytes').encode(text) };
    const [prompt, completion] = [encode('Hello'), [...encode(' there'), 1]];
    const known = [
      ...turns,
      {
        tokens: [...prompt, ...completion],
        mask: [...prompt.map(() => 0), ...completion.map(() => 1)],
      },
    ];
    const samples = [...Array(set.count).keys()];
    const batch = set.collate(samples, () => ({ low: 0, high: 0 }));
    const { rows: predicted, ids } = targetsOf(batch, 'tokens');
    let from = 0;
    for (const row of samples) {
      const document = [...splits.train.get(row, 'messages')];
      const { mask } = known.find((each) => String(each.tokens) === String(document))!;
      const wanted = [...mask.keys()].filter((at) => mask[at] === 1 && at <= CONTEXT);
      const at = [...predicted!.subarray(from, from + wanted.length)];
      expect(at).toEqual(wanted.map((place) => row * batch.length + place - 1));
      expect([...ids.subarray(from, from + wanted.length)]).toEqual(
        wanted.map((place) => document[place]),
      );
      const input = document.slice(0, -1).slice(0, CONTEXT);
      const first = row * batch.length;
      expect([...batch.tokens.subarray(first, first + input.length)]).toEqual(input);
      from += wanted.length;
    }
    expect(from).toBe(ids.length);
  });

  it('tells what data and templates lack', async () => {
    const [{ messages }] = [turns[0]!];
    await expect(prepare([{ messages }], null)).rejects.toMatchObject({
      code: 'CHAT_TEMPLATE_MISSING',
    });
    await expect(prepare([{ prompt: 'a' }], null)).rejects.toMatchObject({
      code: 'DATA_COLUMN_MISSING',
    });
    const endless = JSON.parse(
      JSON.stringify(tokenizers['bytes']).replaceAll('</s>', '<|eot_id|>'),
    ) as object;
    await expect(prepare([{ prompt: 'a', completion: 'b' }], null, endless)).rejects.toMatchObject({
      code: 'COMPLETION_ENDLESS',
    });
    const strict = { source: '{{ raise_exception("no " ~ messages[0].role) }}' };
    await expect(prepare([{ messages }], strict)).rejects.toMatchObject({
      code: 'DATA_CONVERSATION_INVALID',
      detail: { path: 'rows.jsonl', line: 1, reason: 'no user', documents: 1 },
    });
    await expect(prepare([{ messages }], { source: '{% for' })).rejects.toMatchObject({
      code: 'CHAT_TEMPLATE_INVALID',
    });
  });

  it('names the first conversation that a template does not take, and says how many there are', async () => {
    const [user, assistant] = ['user', 'assistant'].map((role) => ({ role, content: 'hello' }));
    const source =
      '{% if messages[0].role != "user" %}{{ raise_exception("begins otherwise") }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}';
    const rows = [[user, assistant], [assistant], [assistant, user, assistant]];
    await expect(
      prepare(
        rows.map((messages) => ({ messages })),
        { source },
      ),
    ).rejects.toMatchObject({
      code: 'DATA_CONVERSATION_INVALID',
      detail: { path: 'rows.jsonl', line: 2, documents: 2 },
    });
  });

  it('finds conversations without an answer before anything is learned', async () => {
    const turn = (role: string, content: string) => ({ role, content });
    const silent = ['a', 'b'].map((content) => ({
      messages: [turn('user', content), turn('bot', content)],
    }));
    const known = { messages: [turn('user', 'c'), turn('assistant', 'd')] };
    const plain = {
      source:
        '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}',
    };
    await expect(prepare(silent, plain)).rejects.toMatchObject({
      code: 'DATA_ANSWERS_MISSING',
      detail: { path: 'rows.jsonl', line: 1, roles: "'user', 'bot'", documents: 2 },
    });
    const { manifest } = await prepare([known, ...silent], plain);
    expect(manifest.warnings).toContain(
      "2 of 3 conversations have no answer to learn from, the first one in rows.jsonl line 2 with 'user', 'bot'",
    );
  });
});
