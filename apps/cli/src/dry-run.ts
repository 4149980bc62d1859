import { isAbsolute } from 'node:path';
import {
  RingmasterError,
  type JobCheck,
  type JobSpec,
  type MemoryNeeds,
} from '@ringmaster/protocol';
import type { Client } from './client.js';
import { describeMemory } from './describe-memory.js';
import { describeBase, settleBase } from './names.js';
import { note } from './output.js';

/** What is known of a job that was not submitted. */
export interface Judged {
  /** The specification that would be submitted. */
  readonly spec: JobSpec;
  /** What a coordinator would settle; null where none was asked. */
  readonly check: JobCheck | null;
  /** Memory that it would take of each worker; null where that is not known. */
  readonly memory: MemoryNeeds | null;
}

/**
 * Judges a job as submitting it would. Where no coordinator answers, what can be known without one is checked, and a line
 * says what was not.
 * @param from Directory of the job file.
 * @param isHere Whether the coordinator reads the files of this machine.
 * @throws what the coordinator would answer
 */
export async function tryOut(
  client: Client,
  spec: JobSpec,
  from: string,
  isHere: boolean,
): Promise<Judged> {
  try {
    const settled = await settleBase(client, spec, from);
    const check = await client.check(settled);
    const { base, memory } = check;
    if (base !== null) note(`It would start from ${describeBase(base)}.`);
    if (memory !== null) note(describeMemory(memory, check.offered));
    return { spec: settled, check, memory };
  } catch (error) {
    if (!(error instanceof RingmasterError) || error.code !== 'COORDINATOR_UNREACHABLE')
      throw error;
    // Loaded here: whoever has a coordinator does not wait for it.
    const memory = isHere ? await (await import('./check-files.js')).checkFiles(spec) : null;
    if (memory !== null) note(describeMemory(memory, null));
    note(`Not checked, for no coordinator answers: ${unchecked(spec, isHere).join('; ')}.`);
    return { spec, check: null, memory };
  }
}

/** What a coordinator alone can tell of a job. */
function unchecked(spec: JobSpec, isHere: boolean): string[] {
  const { base } = spec;
  const isNamed = base !== undefined && !isAbsolute(base);
  return [
    isHere ? 'that it may read the files' : 'that the files are there',
    ...(base !== undefined && (isNamed || !isHere) ? [`that the base '${base}' can be used`] : []),
    ...spec.after.map((job) => `that the job '${job}' can be awaited`),
  ];
}
