import { statSync } from 'node:fs';
import { isPath } from './names.js';
import { runBeside, runModel } from './model-program.js';
import type { JsonOption } from './verb.js';

/**
 * Asks word vectors something, whose answer comes on our stdout.
 * @param vectors A file; or a model, by the rule of all verbs.
 */
export async function askVectors(
  vectors: string,
  options: JsonOption,
  request: object,
): Promise<void> {
  const program = {
    program: 'vectors.process.js',
    settings: options.json === true ? ['--json'] : [],
    input: { text: JSON.stringify(request) },
  };
  const found = statSync(vectors, { throwIfNoEntry: false });
  const isFile = found === undefined ? isPath(vectors) : !found.isDirectory();
  if (isFile) await runBeside(['--vectors-file', vectors], null, program);
  else await runModel(vectors, options, program);
}
