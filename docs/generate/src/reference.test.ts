import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { directory, pages } from './pages.js';

it('docs/reference says what the code says (npm run reference writes it)', async () => {
  for (const [name, content] of await pages()) {
    expect(await readFile(join(directory, name), 'utf8'), name).toBe(content);
  }
});

it('the README shows a recipe as it is', async () => {
  const root = join(directory, '../..');
  const recipe = await readFile(join(root, 'recipes/quickstart-pretrain.yaml'), 'utf8');
  expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(recipe);
});
