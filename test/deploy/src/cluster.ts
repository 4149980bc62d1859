import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  coordinatorFileSchema,
  incidentViewSchema,
  jobViewSchema,
  workerViewSchema,
  type CoordinatorFile,
} from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { deployed } from './repository.js';

/** A cluster started as every way of deploying starts it: by the programs of deploy/launch. */
export class LaunchedCluster {
  readonly home: string;
  /** A copy of what others join with. */
  readonly join: string;
  readonly #directory: string;
  readonly #started: ChildProcess[] = [];

  /** @param directory An empty one, for all that the cluster writes. */
  constructor(directory: string) {
    this.#directory = directory;
    this.home = join(directory, 'coordinator');
    this.join = join(directory, 'join');
  }

  /** Starts the coordinator on an address of this machine and waits until it serves. */
  async startCoordinator(
    options: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<ChildProcess> {
    const args = ['--home', this.home, '--secure', ...options];
    const child = this.#start('coordinator', args, environment);
    await eventually('the coordinator serves', () => this.#announced()?.pid === child.pid);
    copyFileSync(join(this.home, 'join'), this.join);
    return child;
  }

  /** Starts a worker that has nothing of the cluster but its join string. */
  startWorker(
    name: string,
    options: readonly string[] = [],
    environment: NodeJS.ProcessEnv = {},
  ): ChildProcess {
    return this.#start('worker', [this.join, ...options], {
      RINGMASTER_HOME: join(this.#directory, name),
      ...environment,
    });
  }

  /** Submits a job that trains so many steps on a text of its own; returns its id. */
  async submit(steps: number): Promise<string> {
    const text = join(this.#directory, 'notes.txt');
    const notes = Array.from({ length: 200 }, (_, at) => `note ${at} about item ${at} and place`);
    writeFileSync(text, notes.join('\n'));
    const spec = { ...TINY_JOB, data: { files: [text], format: 'lines' }, steps };
    return jobViewSchema.parse(await this.#ask('POST', '/v1/jobs', { spec })).id;
  }

  async view(job: string) {
    return jobViewSchema.parse(await this.#ask('GET', `/v1/jobs/${job}`));
  }

  async incidents() {
    return incidentViewSchema.array().parse(await this.#ask('GET', '/v1/incidents'));
  }

  /** How many workers it has. */
  async workers(): Promise<number> {
    const workers = workerViewSchema.array().parse(await this.#ask('GET', '/v1/workers'));
    return workers.filter(({ state }) => state !== 'left' && state !== 'lost').length;
  }

  /** Ends whatever of it still runs. */
  async close(): Promise<void> {
    for (const child of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  /** Asks the coordinator itself: a command for every question would be most of what a test computes. */
  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const token = readFileSync(join(this.home, 'token'), 'utf8').trim();
    const answer = await fetch(`${this.#present().url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  #present(): CoordinatorFile {
    const file = this.#announced();
    if (file === null) throw new Error('no coordinator has announced itself');
    return file;
  }

  #announced(): CoordinatorFile | null {
    try {
      const text = readFileSync(join(this.home, 'coordinator.json'), 'utf8');
      return coordinatorFileSchema.parse(JSON.parse(text));
    } catch {
      return null; // It is not there yet, or being written.
    }
  }

  #start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(deployed('launch/bin', program), args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#started.push(child);
    return child;
  }
}

const TINY_JOB = {
  kind: 'pretrain',
  name: 'notes',
  model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
  tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
  objective: 'masked-language-model',
  batch: { sequences: 8, microbatches: 4 },
  optimizer: { learningRate: 1e-3 },
};
