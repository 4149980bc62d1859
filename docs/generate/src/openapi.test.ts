import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import { readOpenApi } from './coordinator.js';

it('a linter finds nothing wrong with the description of the API', async () => {
  const source = JSON.stringify(await readOpenApi());
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  expect(
    problems.map(({ ruleId, severity, message, location }) => ({
      ruleId,
      severity,
      message,
      at: location.map((place) => place.pointer),
    })),
  ).toEqual([]);
});
