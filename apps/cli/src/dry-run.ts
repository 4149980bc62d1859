import { isAbsolute } from 'node:path';
import { RingmasterError, type JobSpec } from '@ringmaster/protocol';
import type { Client } from './client.js';
import { describeBase, settleBase } from './names.js';
import { note } from './output.js';

/**
 * Judges a job as submitting it would. Where no coordinator answers, what can be known without one is checked, and a line
 * says what was not.
 * @param from Directory of the job file.
 * @param isHere Whether the coordinator reads the files of this machine.
 * @returns the specification that would be submitted
 * @throws what the coordinator would answer
 */
export async function tryOut(
  client: Client,
  spec: JobSpec,
  from: string,
  isHere: boolean,
): Promise<JobSpec> {
  try {
    const settled = await settleBase(client, spec, from);
    const { base } = await client.check(settled);
    if (base !== null) note(`It would start from ${describeBase(base)}.`);
    return settled;
  } catch (error) {
    if (!(error instanceof RingmasterError) || error.code !== 'COORDINATOR_UNREACHABLE')
      throw error;
    if (isHere) {
      // Loaded here: whoever has a coordinator does not wait for it.
      const { checkFiles } = await import('./check-files.js');
      await checkFiles(spec);
    }
    note(`Not checked, for no coordinator answers: ${unchecked(spec, isHere).join('; ')}.`);
    return spec;
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
