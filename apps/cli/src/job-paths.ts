import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isLocation, type JobSpec } from '@ringmaster/protocol';
import { isPath } from './names.js';

/** A specification whose paths no longer depend on where its job file lies. */
export function withAbsolutePaths(spec: JobSpec, directory: string): JobSpec {
  const absolute = (path: string) => resolve(directory, path);
  const pattern = (path: string) => absolutePattern(path, directory);
  const all = (paths: string | string[]) =>
    typeof paths === 'string' ? pattern(paths) : paths.map(pattern);
  const split = (value: JobSpec['data']['test']) =>
    typeof value === 'string' || Array.isArray(value) ? all(value) : value;
  const { files, sources, validation, test } = spec.data;
  const data = {
    ...spec.data,
    ...(files === undefined ? {} : { files: all(files) }),
    ...(sources === undefined
      ? {}
      : { sources: sources.map((source) => ({ ...source, files: all(source.files) })) }),
    ...(validation === undefined ? {} : { validation: split(validation) }),
    ...(test === undefined ? {} : { test: split(test) }),
  };
  const { base } = spec;
  return { ...spec, data, ...(base !== undefined && isPath(base) ? { base: absolute(base) } : {}) };
}

/**
 * A pattern whose search begins at the root. What it is relative to is a folder's name as it is, whatever brackets and
 * stars are in it; so is a path that exists. One that leaves out still begins with `!`. A URL is what it is.
 */
function absolutePattern(pattern: string, directory: string): string {
  if (isLocation(pattern)) return pattern;
  const path = resolve(directory, pattern);
  if (pattern.startsWith('!') && !existsSync(path))
    return `!${absolutePattern(pattern.slice(1), directory)}`;
  if (pattern.startsWith('/') || existsSync(path)) return path;
  const [, upwards = '', rest = ''] = /^((?:\.{1,2}\/+)*)(.*)$/s.exec(pattern) ?? [];
  const folder = resolve(directory, upwards);
  return `${folder === '/' ? '' : asLiteral(folder)}/${rest}`;
}

/** A path as a pattern that matches it alone. */
const asLiteral = (path: string): string => path.replace(/[()[\]{}!*?@+|\\]/g, '\\$&');
