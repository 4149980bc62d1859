import { isAbsolute } from 'node:path';
import { leavesOut, requireWithin, type Roots } from '@ringmaster/data';
import type { JobSpec } from '@ringmaster/protocol';

/**
 * Refuses a job that names files elsewhere than under the roots. Preparation looks again at what is there when it reads.
 * @throws DATA_PATH_REFUSED
 */
export function requirePathsWithin(spec: JobSpec, roots: Roots): void {
  const { base } = spec;
  const { files, sources = [], validation, test } = spec.data;
  const named = [files, ...sources.map((source) => source.files), validation, test]
    .flat()
    .filter((value) => typeof value === 'string')
    .filter((pattern) => !leavesOut(pattern));
  const directories = base !== undefined && isAbsolute(base) ? [base] : [];
  for (const path of [...named, ...directories]) requireWithin(path, roots);
}
