import { isAbsolute } from 'node:path';
import { dataOf, taskIn, type JobSpec, type MemoryNeeds } from '@ringmaster/protocol';
import {
  checkBase,
  checkTuning,
  memoryNeedsOf,
  openModelDirectory,
  plannedModel,
} from '@ringmaster/tasks';

/**
 * Checks what a job names of the files of this machine, and of the model that it trains, as a coordinator here would.
 * @returns the memory that it takes of each worker; null where its base is not of this machine
 * @throws DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN, FREEZE_UNMATCHED, FREEZE_EVERYTHING; what is wrong with a
 * base that is a directory
 */
export async function checkFiles(spec: JobSpec): Promise<MemoryNeeds | null> {
  const { checkSources } = await import('@ringmaster/data');
  await checkSources(dataOf(spec), null);
  const planned = plannedModel(spec);
  if (planned !== null) {
    checkTuning(spec, planned, null);
    return memoryNeedsOf(spec, planned);
  }
  if (spec.base === undefined || !isAbsolute(spec.base)) return null;
  const { config } = await openModelDirectory(spec.base);
  checkBase(config, spec.base, taskIn(spec));
  checkTuning(spec, config.model, { head: config.head, name: spec.base });
  return memoryNeedsOf(spec, config.model);
}
