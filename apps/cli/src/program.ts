import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * Path of a program of another package, such as `@ringmaster/worker/dist/main.js`. Programs are started and never
 * imported, so packages do not export them.
 */
export function programPath(program: string): string {
  const directories = createRequire(import.meta.url).resolve.paths(program) ?? [];
  const found = directories.map((directory) => join(directory, program)).find(existsSync);
  if (found === undefined) throw new Error(`${program} is not installed or not built`);
  return found;
}
