import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { NamespacedProcess } from '@ringmaster/base/testing';

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
  /** Whether the process is number 1 of a PID namespace of its own. */
  readonly namespaced: boolean;
}

/** A coordinator or worker of the harness: its death is either wanted by someone or a finding. */
export class HarnessProcess {
  readonly name: string;
  /** Process id outside of its namespace, whatever it is within. */
  readonly pid: number;
  readonly namespaced: boolean;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #exited: Promise<void>;
  #endIsWanted = false;

  private constructor(options: ProcessOptions, child: ChildProcess, pid: number) {
    const { name, log, namespaced } = options;
    [this.name, this.namespaced, this.#log] = [name, namespaced, log];
    [this.#child, this.pid] = [child, pid];
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        resolve();
      });
    });
  }

  static async start(options: ProcessOptions): Promise<HarnessProcess> {
    const { name, args, env, log, namespaced } = options;
    const output = openSync(log, 'a');
    const stdio: StdioOptions = ['ignore', output, output];
    try {
      if (namespaced) {
        const one = new NamespacedProcess([process.execPath, ...args], { env, stdio });
        return new HarnessProcess(options, one.child, await one.pid());
      }
      const child = spawn(process.execPath, args, { env, stdio });
      if (child.pid === undefined) throw new Error(`${name} could not be started`);
      return new HarnessProcess(options, child, child.pid);
    } finally {
      closeSync(output);
    }
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How the process ended although nobody wanted it to, with its last lines; null if that did not happen. */
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
    this.#send('SIGSTOP');
  }

  resume(): void {
    this.#send('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#endIsWanted = true;
    this.#send('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end and waits. @throws when it does not end in time; then it is killed */
  async end(graceMs = GRACE_MS, name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#endIsWanted = true;
    this.#send(name);
    await this.ended(graceMs);
  }

  /** Waits for an end that was asked for. @throws when it does not come in time; then it is killed */
  async ended(graceMs = GRACE_MS): Promise<void> {
    this.#endIsWanted = true;
    const late = AbortSignal.timeout(graceMs);
    late.addEventListener('abort', () => {
      this.#send('SIGKILL');
    });
    await this.#exited;
    if (late.aborted)
      throw new Error(`${this.name} did not end when it was asked to: ${this.lastLines()}`);
  }

  #send(name: NodeJS.Signals): void {
    if (this.isAlive) signal(this.pid, name);
  }
}

/** Sends a signal to a process that may have ended meanwhile. @returns whether it was there */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
