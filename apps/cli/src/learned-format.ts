import { existsSync } from 'node:fs';
import { readLearnedFormat } from '@ringmaster/tasks';

/**
 * How a model is given conversations that it learns from; null where it has no template.
 * @param path Where a file of the model is, by its name.
 */
export function learnedFormat(path: (name: string) => string) {
  return readLearnedFormat({ path, has: (name) => existsSync(path(name)) });
}
