import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** First line of a contestant: it is loaded. */
export const readySchema = z.object({
  parameters: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});

/** Line of a contestant for one block of steps. */
export const blockSchema = z.object({
  seconds: z.number().positive(),
  /** Processor time of all threads of the process, user and system. */
  processorSeconds: z.number().positive(),
  /** Mean loss of each step, in nats. */
  losses: z.array(z.number()),
});

export type Ready = z.infer<typeof readySchema>;
export type Block = z.infer<typeof blockSchema>;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * One side of a comparison: a process that computes only between a line `{"steps": n}` on its stdin and its answer on
 * stdout, so that several can be kept loaded and take turns.
 */
export class Contestant {
  readonly ready: Ready;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, ready: Ready) {
    this.#child = child;
    this.#lines = lines;
    this.ready = ready;
  }

  static async start({ program, args, env }: Command): Promise<Contestant> {
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = await Promise.race([answer(lines, readySchema, program), failed]);
    return new Contestant(child, lines, ready);
  }

  /** Runs a block of steps and waits for it. */
  async run(steps: number): Promise<Block> {
    this.#child.stdin?.write(`${JSON.stringify({ steps })}\n`);
    return answer(this.#lines, blockSchema, this.#child.spawnfile);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await exited;
  }
}

async function answer<Schema extends z.ZodType>(
  lines: AsyncIterator<string>,
  schema: Schema,
  program: string,
): Promise<z.infer<Schema>> {
  const line = await lines.next();
  if (line.done === true) throw new Error(`${program} ended without an answer`);
  return schema.parse(JSON.parse(line.value));
}
