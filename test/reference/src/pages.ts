import { fileURLToPath } from 'node:url';
import { jobFileJsonSchema } from '@ringmaster/protocol';
import { format } from 'prettier';
import { errorsPage } from './errors.js';
import { jobFilePage } from './job-file.js';

/** Where the pages are. */
export const directory = fileURLToPath(new URL('../../../docs/reference/', import.meta.url));

/** Every generated file of docs/reference: name → content. */
export async function pages(): Promise<ReadonlyMap<string, string>> {
  const options = { printWidth: 100, singleQuote: true };
  const markdown = (text: string) => format(text, { ...options, parser: 'markdown' });
  return new Map([
    ['job-file.md', await markdown(jobFilePage())],
    [
      'job-file.schema.json',
      await format(JSON.stringify(jobFileJsonSchema()), { ...options, parser: 'json' }),
    ],
    ['errors.md', await markdown(errorsPage())],
  ]);
}
