import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileReason, systemCode } from '@ringmaster/base';
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
 * @param path `-` for the standard input, whose paths are relative to the working directory.
 * @throws JOB_FILE_UNREADABLE, JOB_FILE_UNKNOWN_KEY, JOB_FILE_INVALID
 */
export function loadJobFile(path: string, overrides: readonly string[] = []): JobSpec {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    const reason = systemCode(cause) === 'ENOENT' ? 'it does not exist' : fileReason(cause);
    const detail = { path, reason: reason ?? reasonOf(cause) };
    throw new RingmasterError('JOB_FILE_UNREADABLE', detail, { cause });
  }
  const spec = parseJobSpec(withOverrides(readJobFile(text, path), overrides));
  return withAbsolutePaths(spec, dirname(resolve(path)));
}
