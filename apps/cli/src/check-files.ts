import { isAbsolute } from 'node:path';
import { dataOf, type JobSpec } from '@ringmaster/protocol';
import { checkBase, openModelDirectory } from '@ringmaster/tasks';

/**
 * Checks what a job names of the files of this machine, as a coordinator here would.
 * @throws DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN; what is wrong with a base that is a directory
 */
export async function checkFiles(spec: JobSpec): Promise<void> {
  const { checkSources } = await import('@ringmaster/data');
  await checkSources(dataOf(spec), null);
  if (spec.kind !== 'finetune' || spec.base === undefined || !isAbsolute(spec.base)) return;
  checkBase((await openModelDirectory(spec.base)).config, spec.base, spec.task);
}
