import type { Recovery } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Context, Failure, IncidentReport } from '../commands.js';
import type { Departure } from '../event.js';
import { isRunning, rankIn, type Generation } from '../generation.js';
import type { Run } from '../run.js';

const LINES_TOLD = 5;
const MEGABYTE = 2 ** 20;

/** How a trainer ended, to follow its name. */
export function describeDeparture(departure: Departure): string {
  if (departure.cause === 'worker-lost') return `was lost with its worker (${departure.reason})`;
  if (departure.cause === 'silent')
    return `gave no sign of life for ${departure.seconds.toFixed(1)} s and was killed`;
  const { code, signal, rssBytes, outOfMemory } = departure;
  const how = signal === null ? `exited with code ${code ?? 'unknown'}` : `was ended by ${signal}`;
  const why = outOfMemory ? ' when the machine was out of memory' : '';
  const used =
    rssBytes === null
      ? ''
      : `, having used up to ${Math.round(rssBytes / MEGABYTE)} MiB of memory,`;
  return `${how}${why}${used}`;
}

const logLineSchema = z.object({
  msg: z.string(),
  step: z.int().optional(),
  err: z.object({ message: z.string() }).optional(),
});

/** What a line of a trainer's log says; what is no such line stays as it is. */
function inWords(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return line; // Written by a library, or by Node itself.
  }
  const parsed = logLineSchema.safeParse(value);
  if (!parsed.success) return line;
  const { msg, step, err } = parsed.data;
  const at = step === undefined ? '' : ` (step ${step})`;
  return `${msg}${at}${err === undefined ? '' : `: ${err.message}`}`;
}

/** Tells a failure in one paragraph, given the run after what was done about it. */
export function writeIncident(failure: Failure, number: number, after: Run): IncidentReport {
  const { trainer, run, step, what, lastLines, remarks } = failure;
  const { ring } = run;
  const rank = rankIn(ring, trainer.id);
  const generation = ring?.generation ?? run.generation;
  const seat =
    rank < 0
      ? 'which had no rank yet'
      : `rank ${rank} of ${ring?.members.length ?? 0} in generation ${generation}`;
  const lines = lastLines.slice(-LINES_TOLD).map(inWords).join(' | ');
  const sentences = [
    `Trainer ${trainer.id} of job ${run.name} (${run.job}) on worker ${trainer.worker}, ${seat}, ${what} at step ${step}.`,
    ...(lines === '' ? [] : [`Its last lines: ${lines}`]),
    ...remarks,
    outcome(after),
  ];
  const { id, worker } = trainer;
  return { number, trainer: id, worker, step, generation, what: sentences.join(' ') };
}

function outcome(run: Run): string {
  const { ring } = run;
  switch (run.state) {
    case 'failed':
      return `The job failed: ${run.error?.message ?? ''}.`;
    case 'running':
      return 'The ring goes on.';
    case 'queued':
      return `The job waits for slots; it goes on from ${resumption(run)}.`;
    default: {
      const members = ring?.members.length;
      return members === undefined
        ? `A new ring is formed once ${run.limits.min} or more trainers are ready.`
        : `Generation ${run.generation} is being formed of ${members} trainers.`;
    }
  }
}

function resumption(run: Run): string {
  if (run.trainers.some(({ seated }) => seated)) return 'what its trainers hold in memory';
  const newest = run.checkpoints.at(-1);
  return newest === undefined ? 'the beginning' : `the checkpoint of step ${newest.position.step}`;
}

/** Completes the incidents that broke a ring, now that the first step of the next one is applied. */
export function recover(run: Run, context: Context): Run {
  const { ring, recovering } = run;
  if (recovering.length === 0 || !isRunning(ring)) return run;
  for (const { incident, heard, known } of recovering) {
    const recovery = timed(ring, heard, known, context.now);
    context.commands.push({ type: 'recovered', incident, recovery });
  }
  return { ...run, recovering: [] };
}

function timed(ring: Generation, heard: number, known: number, now: number): Recovery {
  const told = Math.max(known, ring.told ?? known);
  const running = Math.max(told, ring.running ?? told);
  const slowest = Math.max(...ring.members.map(({ started }) => started ?? 0));
  const transfer = Math.min(slowest, (running - told) / 1000);
  return {
    detect: (known - heard) / 1000,
    abort: (told - known) / 1000,
    form: (running - told) / 1000 - transfer,
    transfer,
    firstStep: (now - running) / 1000,
  };
}
