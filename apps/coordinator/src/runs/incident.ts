import type { IncidentReport } from './commands.js';
import type { Departure, Run } from './run.js';
import type { Happening } from './turn.js';

const LINES_TOLD = 5;

/** How a trainer ended, to follow its name. */
export function describeDeparture(departure: Departure): string {
  if (departure.cause === 'worker-lost') return `was lost with its worker (${departure.reason})`;
  if (departure.cause === 'silent')
    return `gave no sign of life for ${departure.seconds.toFixed(1)} s and was killed`;
  const { code, signal } = departure;
  return signal === null ? `exited with code ${code ?? 'unknown'}` : `was ended by ${signal}`;
}

/** Tells a failure in one paragraph, given the run before it and after what was done about it. */
export function writeIncident(happening: Happening, before: Run, after: Run): IncidentReport {
  const { trainer, step, what, lastLines } = happening;
  const rank = before.ring?.members.findIndex((member) => member.trainer === trainer.id) ?? -1;
  const seat =
    rank < 0
      ? 'which had no rank yet'
      : `rank ${rank} of ${before.ring?.members.length ?? 0} in generation ${before.generation}`;
  const lines = lastLines.slice(-LINES_TOLD).join(' | ');
  const sentences = [
    `Trainer ${trainer.id} of job ${before.name} (${before.job}) on worker ${trainer.worker}, ${seat}, ${what} at step ${step}.`,
    ...(lines === '' ? [] : [`Its last lines: ${lines}`]),
    outcome(after),
  ];
  return { trainer: trainer.id, worker: trainer.worker, step, what: sentences.join(' ') };
}

function outcome(run: Run): string {
  switch (run.state) {
    case 'failed':
      return `The job failed: ${run.error?.message ?? ''}.`;
    case 'running':
      return 'The ring goes on.';
    case 'queued':
      return `The job waits for slots; it goes on from ${resumption(run)}.`;
    default: {
      const members = run.ring?.members.length;
      return members === undefined
        ? `A new ring is formed once ${run.limits.min} or more trainers are ready.`
        : `Generation ${run.generation} is being formed of ${members} trainers.`;
    }
  }
}

function resumption(run: Run): string {
  const newest = run.checkpoints.at(-1);
  return newest === undefined ? 'the beginning' : `the checkpoint of step ${newest.position.step}`;
}
