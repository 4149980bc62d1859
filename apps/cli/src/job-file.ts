import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  parseJobSpec,
  readJobFile,
  RingmasterError,
  withOverrides,
  type JobSpec,
} from '@ringmaster/protocol';
import { reasonOf } from './failure.js';
import { withAbsolutePaths } from './job-paths.js';

/**
 * The specification in a job file, with overrides applied and paths made absolute.
 * @throws JOB_FILE_UNREADABLE, JOB_FILE_UNKNOWN_KEY, JOB_FILE_INVALID
 */
export function loadJobFile(path: string, overrides: readonly string[] = []): JobSpec {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RingmasterError('JOB_FILE_UNREADABLE', { path, reason: reasonOf(cause) }, { cause });
  }
  const spec = parseJobSpec(withOverrides(readJobFile(text, path), overrides));
  return withAbsolutePaths(spec, dirname(resolve(path)));
}
