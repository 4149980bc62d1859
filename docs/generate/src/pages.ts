import { fileURLToPath } from 'node:url';
import { jobFileJsonSchema } from '@ringmaster/protocol';
import { format } from 'prettier';
import { commandLinePage } from './command-line.js';
import { readOpenApi } from './coordinator.js';
import { errorsPage } from './errors.js';
import { httpApiPage } from './http-api.js';
import { jobFilePage } from './job-file.js';
import { metricsPage } from './metrics.js';

/** Where the pages are. */
export const directory = fileURLToPath(new URL('../../reference/', import.meta.url));

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
    ['command-line.md', await markdown(await commandLinePage())],
    ['http-api.md', await markdown(httpApiPage(await readOpenApi()))],
    ['metrics.md', await markdown(await metricsPage())],
  ]);
}
