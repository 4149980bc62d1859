import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inDirectory } from '@ringmaster/model';
import { temporaryDirectory } from '@ringmaster/testing';
import { expect, it } from 'vitest';
import { writtenOut } from './conversation.js';

const directory = temporaryDirectory();
const MESSAGES = [{ role: 'USER', content: 'HELLO', name: 'ANN' }];
const written = (head: 'causal-language-model' | 'sequence-to-sequence') =>
  writtenOut('tiny', inDirectory(directory), head, (text) => text.toLowerCase(), MESSAGES);

it('is refused without a template, in words for whoever asks, over HTTP too', async () => {
  for (const head of ['causal-language-model', 'sequence-to-sequence'] as const) {
    await expect(written(head)).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
      message: expect.not.stringContaining('--') as string,
    });
  }
});

it('is written by the template, of which only what is said is cleaned', async () => {
  const template =
    '{% for message in messages %}{{ message.role }} {{ message.name }}: {{ message.content }}<END>{% endfor %}';
  await writeFile(join(directory, 'chat_template.jinja'), template);
  expect(await written('causal-language-model')).toBe('USER ANN: hello<END>');
});
