import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, type PathLike } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What `ip` is asked to do, in words; it throws with what `ip` says. */
export function ip(...words: readonly string[]): void {
  command('ip', words);
}

/** The same of `tc`, for queues at links. */
export function tc(...words: readonly string[]): void {
  command('tc', words);
}

function command(program: string, words: readonly string[]): void {
  execFileSync(program, words.join(' ').split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Prepares the file systems of a host as its first process, stays until its standard input ends, and buries orphans. */
const FIRST_PROCESS = `
set -e
mount -t tmpfs -o size=1g tmpfs /dev/shm
mount --bind "$OWN" /mnt
mount -t tmpfs tmpfs "$ALL"
mkdir "$ALL/home"
mount --move /mnt "$ALL/home"
echo ready
cat
exit
`;

export interface HostOptions {
  readonly name: string;
  /** Of its network namespace. */
  readonly namespace: string;
  readonly address: string;
  /** Directory of all hosts, of which each sees its own part alone. */
  readonly all: string;
}

/**
 * One host: a network namespace, and in it processes that see neither the processes nor the files nor the shared memory of
 * another.
 */
export class Host {
  readonly name: string;
  readonly namespace: string;
  /** The host's home directory, as its own processes see it. */
  readonly home: string;
  /** The same directory, seen from outside. */
  readonly outside: string;
  address: string;
  readonly #all: string;
  #first: ChildProcess | null = null;
  #pid = 0;

  constructor({ name, namespace, address, all }: HostOptions) {
    [this.name, this.namespace, this.address, this.#all] = [name, namespace, address, all];
    this.home = join(all, 'home');
    this.outside = join(all, name);
    mkdirSync(this.outside, { mode: 0o700 });
  }

  /** Boots it: it has no processes but its first. */
  async boot(): Promise<void> {
    const unshare = ['--pid', '--fork', '--kill-child', '--mount', '--propagation', 'private'];
    this.#first = spawn(
      'ip',
      [
        'netns',
        'exec',
        this.namespace,
        'unshare',
        ...unshare,
        '--mount-proc',
        'bash',
        '-c',
        FIRST_PROCESS,
      ],
      {
        env: { ...process.env, OWN: this.outside, ALL: this.#all },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    const { stdout, stderr } = this.#first;
    if (stdout === null || stderr === null) throw new Error(`${this.name} has no output`);
    let said = '';
    stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const failed = once(this.#first, 'exit').then(() => {
      throw new Error(`${this.name} does not boot: ${said}`);
    });
    failed.catch(() => undefined);
    await Promise.race([once(stdout, 'data'), failed]);
    // `ip` has become `unshare`, whose only child is the first process of the host.
    const outer = this.#first.pid ?? 0;
    this.#pid = Number(readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim());
  }

  /** Cuts the host's power: every process of it is gone at once, and nobody is told. */
  async vanish(): Promise<void> {
    const first = this.#first;
    if (first === null) return;
    this.#first = null;
    const exited = once(first, 'exit');
    process.kill(this.#pid, 'SIGKILL');
    await exited;
  }

  /** Runs a program to its end. @throws with what it wrote when it fails */
  async run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run('nsenter', [...this.#entering(), program, ...args], {
      env: this.#environment(),
      maxBuffer: 2 ** 26,
    });
    return stdout;
  }

  /** Starts a program of Node that goes on. */
  start(args: readonly string[], log: PathLike): ChildProcess {
    const output = openSync(log, 'a');
    try {
      return spawn('nsenter', [...this.#entering(), process.execPath, ...args], {
        env: this.#environment(),
        stdio: ['ignore', output, output],
      });
    } finally {
      closeSync(output);
    }
  }

  /** Command lines of its processes, but for the first two. */
  async processes(): Promise<string[]> {
    const text = await this.run('ps', ['-eo', 'pid,comm,args', '--no-headers']);
    return text.split('\n').filter((line) => /^\s*\d+ (?!bash|cat|ps)\S+ /.test(line));
  }

  /** What is left of its processes once they had time to end. */
  async leftovers(withinMs: number): Promise<string[]> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const left = await this.processes();
      if (left.length === 0 || Date.now() > deadline) return left;
      await sleep(200);
    }
  }

  #entering(): string[] {
    return ['--target', String(this.#pid), '--net', '--pid', '--mount', '--'];
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.home, RINGMASTER_HOME: this.home, RINGMASTER_TOKEN: '' };
  }
}
