import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  coordinatorFileSchema,
  jobViewSchema,
  workerViewSchema,
  type CoordinatorFile,
} from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { deployed, repository } from './repository.js';

const cli = join(repository, 'apps/cli/bin/ringmaster.js');

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

  /** Runs a command that must succeed; returns what it printed. */
  async ringmaster(...args: string[]): Promise<string> {
    const command = [cli, ...args, '--home', this.home];
    const { stdout } = await promisify(execFile)(process.execPath, command);
    return stdout.trim();
  }

  /** Writes a job file that trains so many steps on a text beside it. */
  writeJob(steps: number): string {
    const path = join(this.#directory, 'job.json');
    const notes = Array.from({ length: 200 }, (_, at) => `note ${at} about item ${at} and place`);
    writeFileSync(join(this.#directory, 'notes.txt'), notes.join('\n'));
    writeFileSync(path, JSON.stringify({ ...TINY_JOB, steps }));
    return path;
  }

  async view(job: string) {
    return jobViewSchema.parse(await this.#get(`/v1/jobs/${job}`));
  }

  /** How many workers it has. */
  async workers(): Promise<number> {
    const workers = workerViewSchema.array().parse(await this.#get('/v1/workers'));
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

  /** Asks the coordinator itself: a command for every look would be most of what a test computes. */
  async #get(path: string): Promise<unknown> {
    const authorization = `Bearer ${readFileSync(join(this.home, 'token'), 'utf8').trim()}`;
    const answer = await fetch(`${this.#present().url}${path}`, { headers: { authorization } });
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
  data: { files: ['notes.txt'], format: 'lines' },
  objective: 'masked-language-model',
  batch: { sequences: 8, microbatches: 4 },
  optimizer: { learningRate: 1e-3 },
};
