import { resolve } from 'node:path';
import type { JobSpec } from '@ringmaster/protocol';
import { isPath } from './names.js';

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
  return { ...spec, data, ...(base !== undefined && isPath(base) ? { base: absolute(base) } : {}) };
}
