import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** What a turn took. */
export const turnSchema = z.object({
  seconds: z.number().positive(),
  /** Processor time of all threads of the process, user and system. */
  processorSeconds: z.number().positive(),
});

/** How long a side may take to end by itself. */
const PATIENCE_MS = 3000;

export type Turn = z.infer<typeof turnSchema>;

/**
 * One side of a comparison: a process that says one line of JSON when it is loaded, and computes only between a line on
 * its stdin and its answer on stdout, so that several can be kept loaded and take turns.
 */
export class Contestant<Ready> {
  /** First line that the contestant prints. */
  readonly ready: Ready;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, ready: Ready) {
    this.#child = child;
    this.#lines = lines;
    this.ready = ready;
  }

  static async start<Ready>(
    { program, args, env }: Command,
    schema: z.ZodType<Ready>,
  ): Promise<Contestant<Ready>> {
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = await Promise.race([answer(lines, schema, program), failed]);
    return new Contestant(child, lines, ready);
  }

  /** Says a line and waits for its answer. */
  async ask<Answer>(line: object, schema: z.ZodType<Answer>): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    return answer(this.#lines, schema, this.#child.spawnfile);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    // Open MPI's launcher keeps the end of its input to itself.
    const patience = setTimeout(() => this.#child.kill('SIGTERM'), PATIENCE_MS);
    await exited;
    clearTimeout(patience);
  }
}

async function answer<Answer>(
  lines: AsyncIterator<string>,
  schema: z.ZodType<Answer>,
  program: string,
): Promise<Answer> {
  const line = await lines.next();
  if (line.done === true) throw new Error(`${program} ended without an answer`);
  return schema.parse(JSON.parse(line.value));
}
