import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ringmasterHome } from '@ringmaster/base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelView, TestApi } from './api.test.fixture.js';
import { Client } from './client.js';
import { inHome } from './location.js';
import { describeModel, findModel, presentModel } from './names.js';

let api: TestApi;
let client: Client;
let folder: string;
beforeEach(async () => {
  api = await TestApi.open();
  client = new Client(inHome(ringmasterHome(api.home)));
  folder = mkdtempSync(join(tmpdir(), 'ringmaster-names-'));
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function makeModelDirectory(name: string): string {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'config.json'), '{}');
  return join(folder, name);
}

const model = modelView('0123456789ab'.padEnd(64, 'c'), 'x');

describe('a reference to a model', () => {
  it('is a directory where it is written as a path, whatever else has that name', async () => {
    const path = makeModelDirectory('x');
    api.json('GET /v1/names/x', { model, pending: null });
    for (const written of ['./x', `${folder}/x`, `../${folder.split('/').at(-1) ?? ''}/x`, 'x/'])
      expect(await findModel(client, written, folder)).toEqual({ type: 'directory', path });
    expect(api.requests).toEqual([]);
  });

  it('is a model where the coordinator knows one, also beside a directory of that name', async () => {
    makeModelDirectory('x');
    api.json('GET /v1/names/x', { model, pending: null });
    const found = await findModel(client, 'x', folder);
    expect(found).toEqual({ type: 'stored', model, pending: null });
    expect(describeModel('x', found)).toBe('x is model 0123456789ab (x, imported).');
  });

  it('is a model directory where the coordinator knows nothing of that name', async () => {
    const path = makeModelDirectory('x');
    mkdirSync(join(folder, 'y'));
    const found = await findModel(client, 'x', folder);
    expect(found).toEqual({ type: 'directory', path });
    expect(describeModel('x', found)).toBe(`x is the directory ${path}.`);
    await expect(findModel(client, 'y', folder)).rejects.toMatchObject({ exit: 4 });
  });

  it('to one that a job still makes tells of the job', () => {
    const pending = { id: 'j-1', name: 'x', state: 'running' as const };
    const found = { type: 'stored' as const, model: { ...model, job: 'j-0' }, pending };
    expect(describeModel('x', found)).toBe(
      'x is model 0123456789ab (x, of job j-0). Job j-1, which makes a newer one, is running.',
    );
    const none = { ...found, model: null };
    expect(describeModel('x', none)).toBe('x is the model that job j-1 makes.');
    expect(() => presentModel('x', none)).toThrow(/job j-1, which makes it, is running/);
  });
});
