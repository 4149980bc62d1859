import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, type ArtifactManifest } from '@ringmaster/protocol';
import { temporaryDirectory } from '@ringmaster/testing';
import { expect, it } from 'vitest';
import { artifactsFrom, fetchWhole, putManifest } from '../../artifacts/artifacts.js';
import { chatOf } from './chat-template.js';

const root = temporaryDirectory();
const artifacts = artifactsFrom({
  kind: 'local',
  directory: join(root, 'artifacts'),
  cache: join(root, 'cache'),
});
const hash = sha256('base');
const about: Omit<ArtifactManifest, 'files'> = {
  format: 1,
  kind: 'model',
  job: null,
  name: 'base',
  step: 0,
  evaluations: 0,
  metrics: {},
  stateHash: hash,
  specHash: hash,
  dataManifest: hash,
  baseManifest: null,
  task: 'causal-language-model',
  labels: null,
};

/** What of a base's files becomes the template of a model that is made of it. */
async function kept(contents: Readonly<Record<string, string>>): Promise<string | null> {
  const files: ArtifactManifest['files'] = {};
  for (const [name, content] of Object.entries(contents))
    files[name] = await artifacts.put([Buffer.from(content)]);
  const base = await putManifest(artifacts, { ...about, files });
  const chat = await chatOf(artifacts, base);
  if (chat === null) return null;
  const { 'chat_template.jinja': found, ...others } = chat.files;
  expect(others).toEqual({});
  expect(chat.ends).toEqual([]);
  return readFile(await fetchWhole(artifacts, found?.sha256 ?? ''), 'utf8');
}

it.each([
  [{ 'chat_template.jinja': 'own', 'tokenizer_config.json': '{"chat_template":"other"}' }, 'own'],
  [{ 'tokenizer_config.json': '{"chat_template":"{{ messages }}"}' }, '{{ messages }}'],
  [{ 'tokenizer_config.json': '{}' }, null],
  [{ 'tokenizer_config.json': '{"chat_template":' }, null],
  [{}, null],
])('of a base with %j, %j goes on', async (contents, expected) => {
  expect(await kept(contents)).toBe(expected);
});
