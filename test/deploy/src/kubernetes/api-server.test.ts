import { temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.js';
import { COMBINATIONS, render, valuesOf } from './chart.js';
import { complaints, hasLab, openLab } from './lab.js';

describe.skipIf(!hasLab)('a real API server', () => {
  const directory = temporaryDirectory();
  let server: ApiServer;
  beforeAll(async () => {
    server = await openLab(directory);
  });
  afterAll(() => server.close());

  it.each(COMBINATIONS.map((features) => [features.join(' and ') || 'nothing', features] as const))(
    'takes what the chart renders with %s, strictly and in a restricted namespace',
    async (_, features) => {
      for (const manifest of await render(valuesOf(features)))
        expect(await complaints(server, manifest), manifest.kind).toEqual([]);
    },
  );

  it('refuses a manifest with a field that there is not', async () => {
    const [first] = (await render([])).filter(({ kind }) => kind === 'Deployment');
    const [said] = await complaints(server, { ...first!, surprise: true });
    expect(said).toMatch(/^500: .*surprise/);
  });
});
