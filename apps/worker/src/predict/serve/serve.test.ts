import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { GPT, writeModel } from '../models.test.fixture.js';

const program = fileURLToPath(new URL('./serve.process.js', import.meta.url));
const directory = temporaryDirectory();
const tokenFile = join(directory, 'token');
const TOKEN = 'a-token-of-some-length';
beforeAll(async () => {
  await writeModel(directory, GPT, 'causal-language-model');
  await writeFile(tokenFile, `${TOKEN}\n`);
});

let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill('SIGKILL');
});

function start(...settings: string[]) {
  const which = ['--model-directory', directory, '--port=0', '--queue=4', '--json'];
  const started = spawn(process.execPath, [program, ...which, ...settings], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  });
  child = started;
  return started;
}

async function started(...settings: string[]) {
  const server = start('--host=127.0.0.1', ...settings);
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  const { url, model } = JSON.parse(line) as { url: string; model: string };
  expect(model).toBe(basename(directory));
  return { server, url };
}

const ask = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${url}/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ prompt: 'you', max_tokens: 3 }),
  });

it('serves until a signal, and asks for the token of a file', async () => {
  const { server, url } = await started(`--token-file=${tokenFile}`);
  expect((await ask(url)).status).toBe(401);
  expect((await ask(url, { authorization: 'Bearer another' })).status).toBe(401);
  expect((await ask(url, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  expect((await fetch(url.replace('/v1', '/health'))).status).toBe(200);
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
});

it('ends with whoever has started it', async () => {
  const { server, url } = await started();
  expect((await ask(url)).status).toBe(200);
  server.stdin.end();
  expect(await once(server, 'exit')).toEqual([0, null]);
});

it.each([
  ['without a token beyond loopback', ['--host=0.0.0.0'], 'SERVE_TOKEN_MISSING'],
  [
    'with a token that is none',
    ['--host=127.0.0.1', '--token-file=/dev/null'],
    'SERVE_TOKEN_UNUSABLE',
  ],
  [
    'with one that cannot be read',
    ['--host=127.0.0.1', '--token-file=/nonexistent'],
    'SERVE_TOKEN_UNUSABLE',
  ],
])('does not start %s', async (_, settings, code) => {
  const server = start(...settings);
  const [said] = await Promise.all([text(server.stderr), once(server, 'exit')]);
  expect(said).toContain(code);
  expect(server.exitCode).toBe(2);
});
