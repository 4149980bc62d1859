import { isAbsolute } from 'node:path';
import { dataOf, taskIn, type JobSpec } from '@ringmaster/protocol';
import { checkBase, checkTuning, openModelDirectory, plannedModel } from '@ringmaster/tasks';

/**
 * Checks what a job names of the files of this machine, and of the model that it trains, as a coordinator here would.
 * @throws DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN, FREEZE_UNMATCHED, FREEZE_EVERYTHING; what is wrong with a
 * base that is a directory
 */
export async function checkFiles(spec: JobSpec): Promise<void> {
  const { checkSources } = await import('@ringmaster/data');
  await checkSources(dataOf(spec), null);
  if (spec.model !== undefined) checkTuning(spec, plannedModel(spec.model), null);
  if (spec.base === undefined || !isAbsolute(spec.base)) return;
  const { config } = await openModelDirectory(spec.base);
  checkBase(config, spec.base, taskIn(spec));
  checkTuning(spec, config.model, { head: config.head, name: spec.base });
}
