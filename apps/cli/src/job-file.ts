import { dirname, resolve } from 'node:path';
import {
  parseJobSpec,
  readJobFile,
  RingmasterError,
  withOverrides,
  type JobSpec,
} from '@ringmaster/protocol';
import { withAbsolutePaths } from './job-paths.js';
import { readTextFile } from './text-file.js';

/**
 * The specification in a job file, with overrides applied and paths made absolute.
 * @param path `-` for the standard input, whose paths are relative to the working directory.
 * @throws JOB_FILE_UNREADABLE, JOB_FILE_UNKNOWN_KEY, JOB_FILE_INVALID
 */
export function loadJobFile(path: string, overrides: readonly string[] = []): JobSpec {
  const text = readTextFile(
    path,
    (reason, cause) => new RingmasterError('JOB_FILE_UNREADABLE', { path, reason }, { cause }),
  );
  const spec = parseJobSpec(withOverrides(readJobFile(text, path), overrides));
  return withAbsolutePaths(spec, dirname(resolve(path)));
}
