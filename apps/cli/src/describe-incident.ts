import type { IncidentView, Recovery } from '@ringmaster/protocol';

/** An incident in one paragraph: when, what, what was done about it, and how long that took by phase. */
export function describeIncident({ at, what, recovery }: IncidentView): string {
  return [at, what, ...(recovery === null ? [] : [describeRecovery(recovery)])].join(' ');
}

export function describeRecovery(recovery: Recovery): string {
  const { detect, abort, form, transfer, firstStep } = recovery;
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  return (
    `The run went on after ${seconds(detect + abort + form + transfer + firstStep)}: ` +
    `${seconds(detect)} to notice, ${seconds(abort)} to end the old ring, ${seconds(form)} to form the new one, ` +
    `${seconds(transfer)} to take the state over, ${seconds(firstStep)} for the first step.`
  );
}
