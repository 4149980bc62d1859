import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ringmasterHome, type Home } from '@ringmaster/base';
import { FAULTS_VARIABLE } from '@ringmaster/worker/faults';
import { Api } from './api.js';
import { HarnessProcess } from './process.js';
import type { Proxy } from './proxy.js';

const main = (app: string) =>
  fileURLToPath(new URL(`../../../apps/${app}/dist/main.js`, import.meta.url));

/** Longest that a coordinator may take to be ready. */
const READY_MS = 60_000;
/** Longest that what belongs to a process that has ended may outlive it. */
const BURIAL_MS = 15_000;

export interface ClusterOptions {
  /** Directory to make the home in; the system's for temporary files when it is left out. */
  readonly directory?: string;
  /** Milliseconds after which a silent worker is lost. */
  readonly leaseMs: number;
  /** Where data are prepared; by the coordinator alone when it is left out. */
  readonly prepareOn?: 'coordinator' | 'workers';
  /** The network between trainers; without it they reach each other directly. */
  readonly proxy?: Proxy;
}

/** A real coordinator and real workers on a home directory of their own. */
export class Cluster {
  readonly home: Home;
  readonly api: Api;
  readonly leaseMs: number;
  readonly #prepareOn: string;
  readonly #proxy: Proxy | null;
  readonly #workers: HarnessProcess[] = [];
  #coordinator: HarnessProcess | null = null;
  #named = 0;

  private constructor(root: string, { leaseMs, prepareOn = 'coordinator', proxy }: ClusterOptions) {
    this.home = ringmasterHome(root);
    this.api = new Api(this.home);
    this.leaseMs = leaseMs;
    this.#prepareOn = prepareOn;
    this.#proxy = proxy ?? null;
  }

  static async create(options: ClusterOptions): Promise<Cluster> {
    const { directory = tmpdir() } = options;
    const root = await mkdtemp(join(directory, 'ringmaster-chaos-'));
    const cluster = new Cluster(root, options);
    await mkdir(cluster.home.logs);
    return cluster;
  }

  /** A cluster on a home that may have been used before. */
  static async at(root: string, options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(root, options);
    await mkdir(cluster.home.logs, { recursive: true });
    return cluster;
  }

  /** Workers that live. */
  get workers(): readonly HarnessProcess[] {
    return this.#workers.filter(({ isAlive }) => isAlive);
  }

  /** @throws when this cluster has no proxy */
  get proxy(): Proxy {
    if (this.#proxy === null)
      throw new Error('the trainers of this cluster reach each other directly');
    return this.#proxy;
  }

  get coordinator(): HarnessProcess {
    if (this.#coordinator === null) throw new Error('no coordinator was started');
    return this.#coordinator;
  }

  /** Starts a coordinator, for the first time or again, and waits until it is ready. */
  async startCoordinator(): Promise<void> {
    const coordinator = await this.#start('coordinator', [
      main('coordinator'),
      '--home',
      this.home.root,
      '--lease',
      String(this.leaseMs),
      '--prepare-on',
      this.#prepareOn,
    ]);
    this.#coordinator = coordinator;
    const deadline = performance.now() + READY_MS;
    while (!(await this.api.isReady(coordinator.pid))) {
      if (!coordinator.isAlive || performance.now() > deadline)
        throw new Error(`the coordinator is not ready: ${coordinator.lastLines()}`);
      await sleep(20);
    }
  }

  /** @param namespaced It is process 1 of a PID namespace of its own, and has the name that all such have. */
  async addWorker(namespaced = false): Promise<HarnessProcess> {
    const name = `worker-${++this.#named}`;
    await this.#proxy?.attach(name, this.faultsOf(name));
    const said = namespaced ? 'twin' : name;
    const args = [main('worker'), '--home', this.home.root, '--name', said];
    const worker = await this.#start(name, [...args, '--orphan-timeout', '2m'], namespaced);
    this.#workers.push(worker);
    return worker;
  }

  /** Where faults of a worker's trainers are armed. */
  faultsOf(worker: string): string {
    return join(this.home.root, 'faults', worker);
  }

  /** How processes ended that nobody wanted to end. */
  unwantedEnds(): string[] {
    return this.#processes().flatMap(({ unwantedEnd }) => unwantedEnd ?? []);
  }

  /** Processes that wrote so much that they must have been going round in circles. */
  floods(): string[] {
    return this.#processes().flatMap(({ flood }) => flood ?? []);
  }

  /** Ends everything in order. @throws when something does not end, or leaves a process behind */
  async down(): Promise<void> {
    const ends = [
      ...this.workers,
      ...(this.#coordinator?.isAlive === true ? [this.coordinator] : []),
    ];
    const outcomes = await Promise.allSettled(ends.map((one) => one.end()));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    const left = await this.#leftovers();
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    if (failure !== undefined) throw failure.reason;
    if (left.length > 0)
      throw new Error(
        `processes are left: ${left.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`,
      );
  }

  async remove(): Promise<void> {
    await rm(this.home.root, { recursive: true, force: true });
  }

  #processes(): HarnessProcess[] {
    return [...this.#workers, ...(this.#coordinator === null ? [] : [this.#coordinator])];
  }

  #start(name: string, args: readonly string[], namespaced = false): Promise<HarnessProcess> {
    const env = {
      ...process.env,
      RINGMASTER_HOME: this.home.root,
      [FAULTS_VARIABLE]: this.faultsOf(name),
    };
    const log = join(this.home.logs, `${name}.log`);
    return HarnessProcess.start({ name, args, env, log, namespaced });
  }

  /** Processes that any of ours has started and that are still there after a while. */
  async #leftovers(): Promise<{ pid: number; command: string }[]> {
    const deadline = performance.now() + BURIAL_MS;
    let left = this.#descendants();
    while (left.length > 0 && performance.now() < deadline) {
      await sleep(100);
      left = this.#descendants();
    }
    return left;
  }

  /** Whoever inherited the home directory in its environment, however it lost its parents. */
  #descendants(): { pid: number; command: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
          if (!environment.includes(`RINGMASTER_HOME=${this.home.root}\0`)) return [];
          const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
          return [{ pid: Number(name), command }];
        } catch {
          return []; // It ended while it was looked at.
        }
      });
  }
}
