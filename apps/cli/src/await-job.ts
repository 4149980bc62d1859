import { isFinal, RingmasterError, type IncidentView, type JobView } from '@ringmaster/protocol';
import type { Client } from './client.js';
import { describeRecovery } from './describe-incident.js';
import { RemoteFailure } from './failure.js';
import { followJob } from './follow.js';
import { formatSeconds } from './output.js';
import { ProgressLine } from './progress-line.js';

/**
 * Waits with a progress line until a job has ended, and returns how it stands then.
 * @param timeoutMs How long to wait; null for as long as it takes.
 * @throws WAIT_TIMED_OUT, the reason of `signal`, and what `followJob` throws
 */
export async function awaitJob(
  client: Client,
  reference: string,
  timeoutMs: number | null,
  signal: AbortSignal,
): Promise<JobView> {
  const timer = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
  const line = new ProgressLine();
  let id = reference;
  let state = 'unknown';
  try {
    const either = timer === null ? signal : AbortSignal.any([signal, timer]);
    const onIncident = (incident: IncidentView) => {
      line.tell(incident.recovery === null ? incident.what : describeRecovery(incident.recovery));
    };
    for await (const job of followJob(client, reference, either, onIncident)) {
      line.show(job);
      ({ id, state } = job);
      if (isFinal(job.state)) return job;
    }
    throw new Error('a job was followed to no end');
  } catch (error) {
    if (timer?.aborted !== true || signal.aborted) throw error;
    const timeout = formatSeconds((timeoutMs ?? 0) / 1000);
    throw new RingmasterError('WAIT_TIMED_OUT', { id, state, timeout });
  } finally {
    line.end();
  }
}

/** @throws JOB_CANCELLED, JOB_FAILED with the remedy of what it failed of */
export function requireSuccess({ id, state, error }: JobView): void {
  if (state === 'cancelled') throw new RingmasterError('JOB_CANCELLED', { id });
  if (state !== 'failed') return;
  const failure = new RingmasterError('JOB_FAILED', { id, reason: error?.message ?? 'unknown' });
  if (error === null) throw failure;
  const { code, message } = failure;
  throw new RemoteFailure({ code, message, remedy: error.remedy });
}
