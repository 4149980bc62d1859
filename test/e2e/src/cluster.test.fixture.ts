import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  coordinatorFileSchema,
  jobViewSchema,
  statusViewSchema,
  type JobView,
} from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { FAULTS_VARIABLE, type Fault } from '@ringmaster/worker/faults';

const cli = fileURLToPath(new URL('../../../apps/cli/bin/ringmaster.js', import.meta.url));

export interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What commands are run by. */
export interface Host {
  /** The program of Node; that of this process by default. */
  readonly node?: string;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A home directory of its own, and the command that works on it. */
export class Cluster {
  readonly home: string;
  readonly #host: Host;

  private constructor(home: string, host: Host) {
    this.home = home;
    this.#host = host;
  }

  static async create(host: Host = {}): Promise<Cluster> {
    return new Cluster(await mkdtemp(join(tmpdir(), 'ringmaster-e2e-')), host);
  }

  /** Runs one command to its end, in this home where it names no other. */
  async ringmaster(args: readonly string[], input = ''): Promise<Outcome> {
    const { node = process.execPath, environment } = this.#host;
    const home = args.includes('--home') ? [] : ['--home', this.home];
    const child = spawn(node, [cli, ...args, ...home], {
      stdio: 'pipe',
      env: { ...process.env, ...environment, [FAULTS_VARIABLE]: this.#faults },
    });
    child.stdin.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { exit, stdout: stdout.trim(), stderr: stderr.trim() };
  }

  /** Runs one command that must succeed, and returns what it printed. */
  async ok(args: readonly string[], input = ''): Promise<string> {
    const { exit, stdout, stderr } = await this.ringmaster(args, input);
    if (exit !== 0) throw new Error(`ringmaster ${args.join(' ')} ended with ${exit}: ${stderr}`);
    return stdout;
  }

  /** What the coordinator has written down about itself. */
  async coordinator() {
    const text = await readFile(join(this.home, 'coordinator.json'), 'utf8');
    return coordinatorFileSchema.parse(JSON.parse(text));
  }

  /** Asks the coordinator itself: a command for every look would be most of what a test computes. */
  async get(path: string): Promise<Response> {
    const { url } = await this.coordinator();
    return fetch(`${url}${path}`);
  }

  async view(job: string): Promise<JobView> {
    return jobViewSchema.parse(await (await this.get(`/v1/jobs/${job}`)).json());
  }

  async workers(state = 'alive') {
    const status = statusViewSchema.parse(await (await this.get('/v1/status')).json());
    return status.workers.filter((view) => view.state === state);
  }

  /** Waits until something is found. @throws after 90 s */
  until<Found>(what: string, find: () => Promise<Found | null> | Found | null): Promise<Found> {
    return eventually(what, find);
  }

  /** Waits until a job looks like that. @throws when it ends before, or after 90 s */
  async untilJob(job: string, holds: (view: JobView) => boolean): Promise<JobView> {
    return this.until(`${job} as it should be`, async () => {
      const view = await this.view(job);
      if (holds(view)) return view;
      if (view.endedAt !== null) throw new Error(`${job} ended: ${JSON.stringify(view)}`);
      return null;
    });
  }

  /** Waits for the end of a job. @returns the hash of its state, when it has one */
  async stateHashOf(job: string): Promise<string | undefined> {
    await this.ok(['wait', job, '--timeout', '5m']);
    return (await this.view(job)).result?.stateHash;
  }

  /**
   * Has every step take so much longer, without computing, until `hurry`: what is done meanwhile finds a job of few
   * steps at work, on a busy machine too.
   */
  async pace(milliseconds: number): Promise<void> {
    const fault: Fault = { action: { type: 'pace', milliseconds }, fromStep: 0, passes: 0 };
    await mkdir(this.#faults, { recursive: true });
    await writeFile(join(this.#faults, 'incoming'), JSON.stringify(fault));
    await rename(join(this.#faults, 'incoming'), join(this.#faults, 'applied.json'));
  }

  /** Has steps take as long as they need. */
  async hurry(): Promise<void> {
    await rm(join(this.#faults, 'applied.json'), { force: true });
  }

  get #faults(): string {
    return join(this.home, 'faults');
  }

  /** Writes a job file, as JSON, and returns its path. */
  async job(name: string, job: object): Promise<string> {
    return this.file(`${name}.json`, JSON.stringify(job));
  }

  async file(name: string, content: string): Promise<string> {
    const path = join(this.home, name);
    await writeFile(path, content);
    return path;
  }

  /** Processes that name this home directory on their command line, or were started by one that does. */
  processes(): number[] {
    const all = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
          const parent = Number(
            /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1],
          );
          return [{ pid: Number(name), parent, command }];
        } catch {
          return []; // It ended while it was looked at.
        }
      });
    const found = new Set(
      all.filter(({ command }) => command.includes(this.home)).map(({ pid }) => pid),
    );
    for (let before = -1; before !== found.size;) {
      before = found.size;
      for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
    }
    found.delete(process.pid);
    return [...found];
  }

  async remove(): Promise<void> {
    await this.ringmaster(['down']);
    await rm(this.home, { recursive: true, force: true });
  }
}
