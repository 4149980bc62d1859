import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { JobSpec } from '@ringmaster/protocol';

/** A specification whose paths no longer depend on where its job file lies. */
export function withAbsolutePaths(spec: JobSpec, directory: string): JobSpec {
  const absolute = (path: string) => resolve(directory, path);
  const all = (paths: string | string[]) =>
    typeof paths === 'string' ? absolute(paths) : paths.map(absolute);
  const split = (value: JobSpec['data']['test']) =>
    typeof value === 'string' || Array.isArray(value) ? all(value) : value;
  const { files, validation, test } = spec.data;
  const data = {
    ...spec.data,
    ...(files === undefined ? {} : { files: all(files) }),
    ...(validation === undefined ? {} : { validation: split(validation) }),
    ...(test === undefined ? {} : { test: split(test) }),
  };
  if (spec.kind === 'pretrain') return { ...spec, data };
  const { base } = spec;
  const isDirectory = base !== undefined && namesDirectory(base, directory);
  return { ...spec, data, ...(isDirectory ? { base: absolute(base) } : {}) };
}

/** A base that is written as a path, or that a model directory beside the job file has the name of. */
function namesDirectory(base: string, directory: string): boolean {
  return /^\.{0,2}\//.test(base) || isModelDirectory(resolve(directory, base));
}

export function isModelDirectory(path: string): boolean {
  return (
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true &&
    existsSync(join(path, 'config.json'))
  );
}
