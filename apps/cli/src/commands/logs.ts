import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isFinal, type JobView } from '@ringmaster/protocol';
import { z } from 'zod';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { followJob, isAbsence } from '../follow.js';
import { interruption } from '../interruption.js';
import { locate } from '../location.js';
import { formatFigure, formatSeconds, print } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface LogsOptions extends JsonOption {
  readonly follow?: true;
  readonly tail: number;
}

const MOST_LINES = 1_000_000;
const RETRY_MS = 500;
/** How often the steps are told between the lines. */
const STEPS_TOLD_MS = 5000;

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .option('-f, --follow', 'go on until the job has ended, and tell its steps and loss between')
    .option('-n, --tail <lines>', 'how many of the last lines', wholeNumber(0, MOST_LINES), 1000)
    .action(async (reference: string, { json, follow, tail, ...where }: LogsOptions) => {
      const client = new Client(locate(where));
      const write = (line: string) => {
        print(json ? line : render(line));
      };
      if (follow) {
        // From here on it is this job, whatever is given the same name meanwhile.
        const { id } = await client.job(reference);
        await followJobLog(client, id, tail, json ? null : print, write);
        return;
      }
      const signal = interruption(`job ${reference} goes on.`);
      for await (const line of linesOf(client, reference, { tail, follow: false, signal }))
        write(line);
    });
}

/**
 * Writes log lines until the job has ended.
 * @param tell Also tells how the steps come on, in lines between them; null for not.
 */
async function followJobLog(
  client: Client,
  id: string,
  tail: number,
  tell: ((line: string) => void) | null,
  write: (line: string) => void,
): Promise<void> {
  const signal = interruption(`job ${id} goes on.`);
  const ended = new AbortController();
  const telling =
    tell === null
      ? Promise.resolve()
      : tellSteps(client, id, AbortSignal.any([signal, ended.signal]), tell);
  // What ends it ends the lines too, and is told there.
  telling.catch(() => undefined);
  try {
    for await (const line of followLines(client, id, tail, signal)) write(line);
  } finally {
    ended.abort();
  }
}

/** Tells the newest step now and then, and the last one. */
async function tellSteps(
  client: Client,
  id: string,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<void> {
  let told = 0;
  let toldAt = -Infinity;
  for await (const job of followJob(client, id, signal, () => undefined)) {
    const isDue = isFinal(job.state) || performance.now() - toldAt >= STEPS_TOLD_MS;
    if (job.step === told || !isDue) continue;
    told = job.step;
    toldAt = performance.now();
    tell(`${clockOf(Date.now())} info  ${describeStep(job)}`);
  }
}

function describeStep({ step, steps, loss, evaluation, throughput, etaSeconds }: JobView): string {
  const { tokensPerSecond } = throughput;
  return [
    `step ${step}${steps === null ? '' : `/${steps}`}`,
    ...(loss === null ? [] : [`loss=${formatFigure(loss) ?? ''}`]),
    ...(evaluation === null ? [] : [`validation=${formatFigure(evaluation.loss) ?? ''}`]),
    ...(tokensPerSecond === null ? [] : [`tokensPerSecond=${Math.round(tokensPerSecond)}`]),
    ...(etaSeconds === null ? [] : [`eta=${formatSeconds(etaSeconds)}`]),
  ].join(' ');
}

async function* linesOf(
  client: Client,
  id: string,
  options: { tail: number; follow: boolean; signal: AbortSignal },
): AsyncGenerator<string> {
  yield* createInterface({ input: await client.logs(id, options), crlfDelay: Infinity });
}

/** Lines until the job has ended; after a broken connection it goes on behind the last line seen. */
async function* followLines(
  client: Client,
  id: string,
  tail: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let last: string | null = null;
  let connected = false;
  for (;;) {
    try {
      let skipping: boolean = last !== null;
      const lines = linesOf(client, id, {
        tail: skipping ? MOST_LINES : tail,
        follow: true,
        signal,
      });
      for await (const line of lines) {
        if (!skipping) yield line;
        if (!skipping) last = line;
        else skipping = line !== last;
      }
      connected = true;
      if (isFinal((await client.job(id)).state)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(connected || last !== null) || !isAbsence(error)) throw error;
    }
    await sleep(RETRY_MS);
    signal.throwIfAborted();
  }
}

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const lineSchema = z.looseObject({
  level: z.number(),
  time: z.number(),
  msg: z.string().default(''),
});

function clockOf(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}

/** A line of pino for people: time, level, message, and whatever else it says. */
function render(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return line; // Not one of pino's.
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return line;
  const { level, time, msg, pid: _pid, hostname: _hostname, job: _job, ...rest } = parsed.data;
  const clock = clockOf(time);
  const others = Object.entries(rest).map(([key, other]) => {
    return `${key}=${typeof other === 'string' ? other : JSON.stringify(other)}`;
  });
  return [clock, (LEVELS[level] ?? String(level)).padEnd(5), msg, ...others].join(' ');
}
