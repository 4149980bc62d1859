import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest that a process is given to end by itself. */
const GRACE_MS = 10_000;

/** A process of a test, whose output is kept to tell why something never happened. */
export class TestProcess {
  readonly child: ChildProcess;
  readonly #exited: Promise<void>;
  output = '';

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: string) => (this.output += text);
    this.child.stdout?.setEncoding('utf8').on('data', keep);
    this.child.stderr?.setEncoding('utf8').on('data', keep);
    this.#exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.output += error.message;
        resolve();
      });
      this.child.once('exit', () => {
        resolve();
      });
    });
  }

  /** Waits until `find` finds something. @throws when the process ends first, or is ended after `limitMs`. */
  async until<Found>(
    what: string,
    find: () => Found | undefined | Promise<Found | undefined>,
    limitMs = 20_000,
  ): Promise<Found> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = await find();
      if (found !== undefined) return found;
      const ended = this.child.exitCode !== null || this.child.signalCode !== null;
      if (ended || performance.now() > deadline) {
        await this.kill();
        throw new Error(`not ${what}: ${this.output}`);
      }
      await sleep(50);
    }
  }

  /** Asks the process to end and waits for it. */
  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exited;
  }
}
