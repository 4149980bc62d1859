import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Root of the clone. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const cli = fileURLToPath(new URL('../../../apps/cli/bin/ringmaster.js', import.meta.url));

/** A command that ended with another exit code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exit: number;

  constructor(command: string, exit: number) {
    super(`'${command}' ended with exit code ${exit}`);
    this.exit = exit;
  }
}

let running: ChildProcess | null = null;

/**
 * Interrupts the command that runs. After Ctrl-C in a terminal it has had its own SIGINT, and a second one would stop it
 * from cleaning up.
 */
export function interrupt(): void {
  running?.kill('SIGTERM');
}

/**
 * Runs one `ringmaster` command, shown as a user would type it, and returns what it printed on stdout.
 * @param quiet Does not show the command.
 */
export async function ringmaster(
  args: readonly string[],
  { quiet = false, input = '' } = {},
): Promise<string> {
  const command = ['ringmaster', ...args].join(' ');
  if (!quiet) process.stderr.write(`\n$ npx ${command}\n`);
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running = child;
  child.stdin.end(input);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exit = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve(code ?? 1);
    });
  }).finally(() => {
    running = null;
  });
  if (exit !== 0) throw new CommandFailed(command, exit);
  return output.trim();
}
