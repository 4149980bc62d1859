import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownIdentity } from '@ringmaster/base';
import { coordinatorFileSchema, type CoordinatorFile } from '@ringmaster/protocol';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/** Waits until `find` finds something. */
export async function eventually<Found>(
  what: string,
  find: () => Found | undefined | null | false | Promise<Found | undefined | null | false>,
  limitMs = 30_000,
): Promise<Found> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(10);
  }
}

/** Runs `body` with a home directory of its own. */
export async function withHome(body: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'ringmaster-'));
  try {
    await body(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

const running = new Set<ChildProcess>();

/** Ends what a failed test has left running. */
export function endCoordinators(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A coordinator in a process of its own. */
export class CoordinatorProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  file: CoordinatorFile = { cluster: '', ...ownIdentity(), url: '', control: '' };
  stderr = '';

  private constructor(home: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, '--home', home, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code) => {
        running.delete(this.child);
        resolve(code);
      });
    });
  }

  /** Starts one and waits until it can be used. */
  static async start(home: string, ...args: string[]): Promise<CoordinatorProcess> {
    const coordinator = new CoordinatorProcess(home, args);
    coordinator.file = await eventually('coordinator ready', () => {
      if (coordinator.child.exitCode !== null) throw new Error(coordinator.stderr);
      const path = join(home, 'coordinator.json');
      if (!existsSync(path)) return null;
      const file = coordinatorFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
      return file.pid === coordinator.child.pid ? file : null;
    });
    return coordinator;
  }

  /** Starts one that is expected to refuse. */
  static async refused(
    home: string,
    ...args: string[]
  ): Promise<{ code: number | null; stderr: string }> {
    const coordinator = new CoordinatorProcess(home, args);
    const code = await coordinator.exited;
    return { code, stderr: coordinator.stderr };
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}

/** A client of the HTTP API. */
export class Client {
  readonly url: string;
  readonly token: string | null;

  constructor(url: string, token: string | null = null) {
    this.url = url;
    this.token = token;
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set('authorization', `Bearer ${this.token}`);
    return fetch(this.url + path, { ...init, method, headers });
  }

  async json<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Body> {
    const response = await this.request(method, path, {
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return (await response.json()) as Body;
  }

  async put(sha256: string, content: Uint8Array<ArrayBuffer>): Promise<Response> {
    const headers = { 'content-type': 'application/octet-stream' };
    return this.request('PUT', `/v1/blobs/${sha256}`, { body: content, headers });
  }
}

/** Writes a small corpus with labels and returns a job file's value for it. */
export async function smallCorpus(directory: string): Promise<string> {
  const words = ['red', 'green', 'blue', 'seven', 'eight', 'cats', 'dogs', 'run', 'sleep', 'eat'];
  const lines = Array.from({ length: 80 }, (_, index) => {
    const text = Array.from(
      { length: 12 },
      (_, at) => words[(index * 7 + at * at * 3 + at * index) % 10],
    );
    return JSON.stringify({
      text: `${text.join(' ')} number ${index}`,
      label: index % 2 === 0 ? 'even' : 'odd',
    });
  });
  const path = join(directory, 'corpus.jsonl');
  await writeFile(path, lines.join('\n'));
  return path;
}

export function pretrainSpec(files: string, overrides: Record<string, unknown> = {}): unknown {
  return {
    kind: 'pretrain',
    name: 'tiny',
    model: { architecture: 'bert', layers: 1, hidden: 8, heads: 1, context: 16 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    data: { files, test: 0.2 },
    objective: 'masked-language-model',
    batch: { sequences: 8, microbatches: 4 },
    optimizer: { learningRate: 0.001 },
    steps: 20,
    workers: { min: 1, max: 4 },
    checkpoint: { every: 5, keep: 2 },
    ...overrides,
  };
}

export function finetuneSpec(files: string, overrides: Record<string, unknown> = {}): unknown {
  return {
    kind: 'finetune',
    name: 'tuned',
    task: 'text-classification',
    data: { files, test: 0.2 },
    optimizer: { learningRate: 0.001 },
    steps: 10,
    ...overrides,
  };
}
