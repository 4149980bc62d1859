import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isFinal } from '@ringmaster/protocol';
import { z } from 'zod';
import { wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { isAbsence } from '../follow.js';
import { interruption } from '../interruption.js';
import { locate } from '../location.js';
import { print } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

interface LogsOptions extends JsonOption {
  readonly follow?: true;
  readonly tail: number;
}

const MOST_LINES = 1_000_000;
const RETRY_MS = 500;

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb))
    .option('-f, --follow', 'go on until the job has ended')
    .option('-n, --tail <lines>', 'how many of the last lines', wholeNumber(0, MOST_LINES), 1000)
    .action(async (id: string, { json, follow, tail, ...where }: LogsOptions) => {
      const client = new Client(locate(where));
      const signal = interruption(`job ${id} goes on.`);
      for await (const line of follow
        ? followLines(client, id, tail, signal)
        : linesOf(client, id, { tail, follow: false, signal })) {
        print(json ? line : render(line));
      }
    });
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
  const clock = new Date(time).toISOString().slice(11, 23);
  const others = Object.entries(rest).map(([key, other]) => {
    return `${key}=${typeof other === 'string' ? other : JSON.stringify(other)}`;
  });
  return [clock, (LEVELS[level] ?? String(level)).padEnd(5), msg, ...others].join(' ');
}
