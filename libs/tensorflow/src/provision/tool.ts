import { spawn } from 'node:child_process';

export interface ToolOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Ends the tool when aborted; the call then rejects with an AbortError. */
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string) => void;
}

export interface ToolResult {
  /** Exit code; 127 when the tool does not exist, as a shell says. */
  readonly code: number;
  /** Standard output and standard error together. */
  readonly output: string;
}

/** Runs a program of the system to its end. */
export function runTool(
  command: string,
  given: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const { env, cwd, signal, onOutput } = options;
    const child = spawn(command, given, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal === undefined ? {} : { signal }),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        onOutput?.(text);
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ code: 127, output: `${command}: not found` });
      else reject(error);
    });
    child.once('close', (code) => {
      resolve({ code: code ?? 1, output });
    });
  });
}
