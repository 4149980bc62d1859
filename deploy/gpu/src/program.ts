import { spawn } from 'node:child_process';

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The program and what it started are killed after this time. */
  readonly limitMs: number;
}

export interface Finished {
  /** Exit code; null for a program that a signal ended. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
  readonly timedOut: boolean;
}

/** Runs a program in a process group of its own, to its end or the end of its time. A program that is not there has code 127. */
export function runProgram(
  program: string,
  args: readonly string[],
  { env, cwd, limitMs }: ProgramOptions,
): Promise<Finished> {
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, limitMs);
  return new Promise((resolve) => {
    const end = (code: number | null) => {
      clearTimeout(timer);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code, ...text, seconds, timedOut });
    };
    child.once('error', (error) => {
      text.err += error.message;
      end(127);
    });
    child.once('close', end);
  });
}

/** Why a program did not succeed, in its last words; null for one that did. */
export function failureOf({ code, err, out, timedOut, seconds }: Finished): string | null {
  if (code === 0) return null;
  const words = `${out}\n${err}`.trim().split('\n').slice(-12).join('\n');
  const how = timedOut ? `out of time after ${seconds.toFixed(0)} s` : `exit code ${code}`;
  return `${how}: ${words}`;
}
