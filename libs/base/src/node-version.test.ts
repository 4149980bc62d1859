import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SUPPORTED_NODE, supportsNode } from '../node-version.mjs';

it.each(['20.19.0', '20.20.2', '22.13.0', '24.0.0', '24.19.0', '26.1.0', '28.0.0'])(
  'Node %s is supported',
  (version) => {
    expect(supportsNode(version)).toBe(true);
  },
);

it.each(['18.20.8', '20.18.3', '21.7.3', '22.12.0', '23.11.1', '25.2.0', '27.0.0', '8.0.0'])(
  'Node %s is not',
  (version) => {
    expect(supportsNode(version)).toBe(false);
  },
);

it('is what the workspace declares, as far as its range goes', () => {
  const { engines } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as { engines: { node: string } };
  const floors = engines.node.split(' || ').map((range) => range.slice(1).split('.').map(Number));
  for (let major = 16; major <= 31; major++) {
    for (let minor = 0; minor <= 30; minor++) {
      const declared = floors.some(([m, n]) => m === major && minor >= (n ?? 0));
      expect(supportsNode(`${major}.${minor}.0`), `${major}.${minor}`).toBe(declared);
    }
  }
});

it('is told in words by the README', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  expect(readme.replaceAll(/\s+/g, ' ')).toContain(SUPPORTED_NODE);
});
