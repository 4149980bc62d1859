import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));

export interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as it is installed; `onOutput` sees all of stdout and stderr so far whenever there is more. */
export async function ringmaster(
  args: readonly string[],
  {
    input = '',
    environment = {},
    onStart = () => undefined,
    onOutput = () => undefined,
  }: {
    input?: string;
    environment?: Readonly<Record<string, string>>;
    onStart?: (child: ChildProcess) => void;
    onOutput?: (all: string, child: ChildProcess) => void;
  } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // As if it was typed, however the tests were started.
    env: { ...process.env, npm_command: undefined, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  onStart(child);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput(stdout + stderr, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onOutput(stdout + stderr, child);
  });
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exit, stdout, stderr };
}
