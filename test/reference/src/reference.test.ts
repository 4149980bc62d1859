import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { directory, pages } from './pages.js';

it('docs/reference says what the code says (npm run reference writes it)', async () => {
  for (const [name, content] of await pages()) {
    expect(await readFile(join(directory, name), 'utf8'), name).toBe(content);
  }
});
