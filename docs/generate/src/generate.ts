// npm run reference: writes docs/reference from the code.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directory, pages } from './pages.js';

await mkdir(directory, { recursive: true });
for (const [name, content] of await pages()) await writeFile(join(directory, name), content);
