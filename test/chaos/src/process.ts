import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** Longest that a process is given to end by itself. */
const GRACE_MS = 15_000;
const LINES_TOLD = 12;
/** More than this is written by who does the same thing over and over. */
const MOST_LINES = 20_000;

export interface ProcessOptions {
  /** What to call it. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** File that its output goes to. */
  readonly log: string;
}

/** A coordinator or worker of the harness: its death is either wanted by someone or a finding. */
export class HarnessProcess {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #exited: Promise<void>;
  #endIsWanted = false;

  constructor({ name, args, env, log }: ProcessOptions) {
    this.name = name;
    this.#log = log;
    const output = openSync(log, 'a');
    this.#child = spawn(process.execPath, args, { env, stdio: ['ignore', output, output] });
    closeSync(output);
    if (this.#child.pid === undefined) throw new Error(`${name} could not be started`);
    this.pid = this.#child.pid;
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
    });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended although nobody wanted it to, with its last lines; null if that did not happen. */
  get unwantedEnd(): string | null {
    if (this.isAlive || this.#endIsWanted) return null;
    const { exitCode, signalCode } = this.#child;
    return `${this.name} ended by itself (${signalCode ?? `code ${exitCode ?? 'unknown'}`}): ${this.lastLines()}`;
  }

  lastLines(): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-LINES_TOLD).join('\n');
  }

  /** That it wrote far too much, with its last lines; null if it did not. */
  get flood(): string | null {
    const lines = readFileSync(this.#log, 'utf8').split('\n').length;
    return lines > MOST_LINES ? `${this.name} wrote ${lines} lines: ${this.lastLines()}` : null;
  }

  /** From now on its end is no finding. */
  expectEnd(): void {
    this.#endIsWanted = true;
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#endIsWanted = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end and waits. @throws when it does not end in time; then it is killed */
  async end(graceMs = GRACE_MS): Promise<void> {
    this.#endIsWanted = true;
    this.#child.kill('SIGTERM');
    const late = AbortSignal.timeout(graceMs);
    late.addEventListener('abort', () => this.#child.kill('SIGKILL'));
    await this.#exited;
    if (late.aborted)
      throw new Error(`${this.name} did not end when it was asked to: ${this.lastLines()}`);
  }
}
