import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '@ringmaster/base';
import { isFinal, RingmasterError, type IncidentView, type JobView } from '@ringmaster/protocol';
import type { Client } from './client.js';
import { RemoteFailure } from './failure.js';

/** How long a coordinator that was there may be away, to be started again. */
const ABSENCE_MS = 120_000;
const RETRY_MS = 500;

/** Whether waiting may help: nobody answers, or the coordinator is just starting or ending. */
export function isAbsence(error: unknown): boolean {
  return (
    (error instanceof RingmasterError && error.code === 'COORDINATOR_UNREACHABLE') ||
    systemCode(error) === 'ECONNRESET' ||
    (error instanceof Error && error.name === 'AbortError') ||
    (error instanceof RemoteFailure && error.code === 'INTERNAL')
  );
}

/**
 * How a job stands, at once and whenever that changes, until it has ended. A connection that breaks is made anew, so a
 * coordinator may be killed and started again meanwhile.
 * @param reference Its id, the beginning of it, or its name, which is looked up once.
 * @param onIncident Called when something fails, and again once the run has recovered from it.
 * @throws the reason of `signal`; COORDINATOR_UNREACHABLE at once when nobody answers at first, and later when the
 * coordinator stays away for two minutes.
 */
export async function* followJob(
  client: Client,
  reference: string,
  signal: AbortSignal,
  onIncident: (incident: IncidentView) => void,
): AsyncGenerator<JobView> {
  let newest = await client.job(reference);
  // From here on it is this job, whatever is given the same name meanwhile.
  const { id } = newest;
  yield newest;
  let lastHeard = performance.now();
  while (!isFinal(newest.state)) {
    try {
      for await (const event of client.events(id, signal)) {
        lastHeard = performance.now();
        if (event.type === 'incident') onIncident(event.incident);
        if (event.type !== 'job') continue;
        newest = event.job;
        yield newest;
      }
      // A proxy that holds events back still lets an answer through.
      newest = await client.job(id);
      yield newest;
      lastHeard = performance.now();
    } catch (error) {
      signal.throwIfAborted();
      if (!isAbsence(error) || performance.now() - lastHeard > ABSENCE_MS) throw error;
    }
    if (!isFinal(newest.state)) await pause(signal);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
