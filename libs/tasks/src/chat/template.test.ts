import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '@ringmaster/model/formats';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readEnds } from './ends.js';
import { chatMessageSchema, readChatTemplate } from './template.js';

/** What `transformers` makes of conversations (reference/chat.py). */
const reference = z
  .object({
    templates: z.record(z.string(), z.string()),
    cases: z.array(
      z.object({
        template: z.string(),
        messages: z.array(chatMessageSchema),
        written: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../reference/chat.json', import.meta.url), 'utf8')));

const root = temporaryDirectory();
let directories = 0;
/** A model directory with these files. */
function model(files: Readonly<Record<string, unknown>>) {
  const directory = join(root, String(directories++));
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files))
    writeFileSync(
      join(directory, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  return inDirectory(directory);
}
const tokens = { bos_token: '<s>', eos_token: { content: '</s>', lstrip: false } };
const messages = [{ role: 'user', content: 'a' }];

describe('a chat template', () => {
  it.each(reference.cases)(
    'of the kind $template writes what transformers writes, of conversation %#',
    async ({ template, messages: given, written, error }) => {
      const read = await readChatTemplate(
        model({
          'chat_template.jinja': reference.templates[template] ?? '',
          'tokenizer_config.json': tokens,
        }),
      );
      if (written !== undefined) expect(read?.render(given)).toBe(written);
      else
        expect(() => read?.render(given)).toThrow(
          expect.objectContaining({ code: 'CHAT_TEMPLATE_INVALID' }),
        );
      if (error !== undefined) expect(() => read?.render(given)).toThrow(error);
    },
  );

  it('stands in a file of its own, or with the tokenizer, which names tokens', async () => {
    const rendered = async (files: Readonly<Record<string, unknown>>) =>
      (await readChatTemplate(model(files)))?.render(messages) ?? null;
    const config = { ...tokens, chat_template: 'config {{ eos_token }}' };
    expect(await rendered({ 'tokenizer_config.json': config })).toBe('config </s>');
    expect(
      await rendered({ 'tokenizer_config.json': config, 'chat_template.jinja': '{{ bos_token }}' }),
    ).toBe('<s>');
    const several = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain {{ bos_token }}' },
    ];
    expect(
      await rendered({
        'tokenizer_config.json': { chat_template: several, bos_token: null },
        'special_tokens_map.json': { bos_token: '<begin>' },
      }),
    ).toBe('plain <begin>');
    expect(await rendered({ 'tokenizer_config.json': tokens })).toBeNull();
    expect(await rendered({})).toBeNull();
  });

  it('that is none is refused by name', async () => {
    const broken = model({ 'chat_template.jinja': '{% for m in messages %}{{ m' });
    await expect(readChatTemplate(broken)).rejects.toMatchObject({
      code: 'CHAT_TEMPLATE_INVALID',
      detail: { path: broken.path('chat_template.jinja') },
    });
    const cut = model({ 'tokenizer_config.json': '{"chat_template": ' });
    await expect(readChatTemplate(cut)).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' });
  });
});

it.each([
  [{ eos_token_id: [7, 8] }, [7, 8]],
  [{ eos_token_id: 9 }, [9]],
  [{ temperature: 0.6 }, [1]],
  [null, [1]],
])('what %j says of how a model generates ends it with %j', async (said, ends) => {
  const files = model(said === null ? {} : { 'generation_config.json': said });
  const config = { tokens: { padding: null, begin: null, end: 1 } };
  expect(await readEnds(files, config)).toEqual(ends);
});
