import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Cluster, jobOf, until, writeTexts } from '@ringmaster/chaos';
import { Store } from '@ringmaster/coordinator/dist/store/store.js';
import {
  coordinatorFileSchema,
  detection,
  parseJobSpec,
  statusViewSchema,
} from '@ringmaster/protocol';
import { processorTime } from '../processor.js';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';

const WORKERS = 1000;
const PER_HOST = 10;
const PER_JOB = 50;
/** Hosts that die, one after another. */
const DEATHS = 3;
/** What a job goes on with, whichever hosts die. */
const FEWEST = PER_JOB - DEATHS * PER_HOST;
/** How often the processor time of the coordinator is read meanwhile. */
const SAMPLE_MS = 50;
const QUEUED = 100_000;
const REQUESTS = 500;
const WATCHED_SECONDS = 20;
/** Longest that all workers, or all jobs, may take to be there. */
const SETTLE_MS = 120_000;

/** What a coordinator itself costs at scale: its share of a core under many workers, its answers over a long queue. */
export async function control(pace: Pace): Promise<Findings> {
  const wanted = (name: string) => pace.only?.includes(name) ?? true;
  const { shares, deaths } = wanted('workers') ? await underWorkers() : { shares: [], deaths: [] };
  const handling = deaths.map(({ seconds }) => seconds);
  const processor = deaths.map(({ processorSeconds }) => processorSeconds);
  const { submits, lists } = wanted('queue')
    ? await answersOverQueue()
    : { submits: [], lists: [] };
  return {
    benchmark: 'control',
    versions: { node: process.versions.node },
    rows: [],
    figures: {
      'core, share': shares,
      'death of a host, s': handling,
      'death of a host, processor s': processor,
      'submit, ms': submits,
      'jobs, ms': lists,
    },
    notes: [
      `${WORKERS} simulated workers on ${WORKERS / PER_HOST} hosts, ${PER_HOST} on each, on real sockets: each sends heartbeats at the real rate, and its trainer of one of ${WORKERS / PER_JOB} jobs reports 5 steps every 0.5 s. A share is processor time of the coordinator's process per wall time, over each of ${WATCHED_SECONDS} s. Then ${DEATHS} hosts fall silent, one after another, each with its ${PER_HOST} workers: how long it took from the coordinator's knowledge of it (a lease after the last sign of life) until the ring of every job that had lost ranks was formed anew, and what processor time the coordinator took meanwhile, for this and for all that goes on. The workers share the processors with it.`,
      table(
        ['', 'median', 'largest', 'target'],
        [
          summary('share of a core', shares, '≤ 0.50'),
          summary('death of a host, s', handling, '≤ 1.00'),
          summary('death of a host, s of processor time', processor, '≤ 1.00'),
        ],
      ),
      `A queue of ${QUEUED.toLocaleString('en')} jobs, written through the store's own code before the coordinator starts; no workers, and the data of one job after another is being prepared meanwhile. ${REQUESTS} requests over HTTP, one after another; 'jobs' asks as the command line does. Milliseconds.`,
      table(
        ['request', 'median', '99th percentile', 'largest', 'target of the 99th'],
        [row('submit', submits), row('jobs', lists)],
      ),
    ],
  };
}

function summary(name: string, values: readonly number[], target: string): string[] {
  if (values.length === 0) return [name, '–', '–', target];
  return [name, median(values).toFixed(2), Math.max(...values).toFixed(2), target];
}

/** What the death of a host asks of the coordinator. */
interface Death {
  /** From the knowledge of it until all rings were formed anew. */
  readonly seconds: number;
  /** All that the coordinator took meanwhile. */
  readonly processorSeconds: number;
}

async function underWorkers(): Promise<{ shares: number[]; deaths: Death[] }> {
  const cluster = await Cluster.create({ leaseMs: detection.leaseMs });
  const fleets: ChildProcess[] = [];
  const doomed: ChildProcess[] = [];
  try {
    await cluster.startCoordinator();
    await writeTexts(cluster.home.root);
    const { control: address, url } = announced(cluster);
    const version = await versionAt(url);
    const start = (first: number, count: number) => {
      const main = fileURLToPath(new URL('./control.process.js', import.meta.url));
      const args = [main, address, version, ...[first, count, PER_HOST].map(String)];
      const fleet = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      fleets.push(fleet);
      return fleet;
    };
    const lasting = WORKERS - DEATHS * PER_HOST;
    for (const first of [0, lasting / 2]) start(first, lasting / 2);
    for (let first = lasting; first < WORKERS; first += PER_HOST)
      doomed.push(start(first, PER_HOST));
    await until('every worker registered', () => isTrue(areAlive(cluster)), SETTLE_MS);
    const jobs: string[] = [];
    for (let number = 0; number < WORKERS / PER_JOB; number++)
      jobs.push((await cluster.api.submit(wideJob(cluster.home.root))).id);
    for (const id of jobs)
      await until('every job runs', () => isTrue(isWhole(cluster, id)), SETTLE_MS);
    const shares = await sharesOf(cluster.coordinator.pid);
    const deaths = [];
    for (const host of doomed) deaths.push(await deathOf(host, cluster, jobs));
    return { shares, deaths };
  } finally {
    for (const fleet of fleets) fleet.kill('SIGKILL');
    await cluster.coordinator.kill();
    await cluster.remove();
  }
}

/** `until` goes on asking while it is told nothing. */
async function isTrue(answer: Promise<boolean>): Promise<true | null> {
  return (await answer) ? true : null;
}

async function areAlive({ api }: Cluster): Promise<boolean> {
  return (await api.workers()).filter(({ state }) => state === 'alive').length === WORKERS;
}

async function isWhole({ api }: Cluster, id: string): Promise<boolean> {
  const { state, workers } = await api.job(id);
  return state === 'running' && workers.length === PER_JOB;
}

async function versionAt(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/status`);
  return statusViewSchema.parse(await response.json()).version;
}

function wideJob(home: string) {
  return {
    ...jobOf(home, { steps: 1_000_000, checkpointEvery: 1_000_000 }),
    batch: { sequences: PER_JOB, microbatches: PER_JOB },
    workers: { min: FEWEST, max: PER_JOB },
  };
}

async function deathOf(
  host: ChildProcess,
  { api, coordinator }: Cluster,
  jobs: readonly string[],
): Promise<Death> {
  const told = async () => (await Promise.all(jobs.map((job) => api.incidents(job)))).flat();
  const before = (await told()).map(({ id }) => id);
  const samples: { readonly at: number; readonly taken: number }[] = [];
  const sampling = setInterval(() => {
    samples.push({ at: Date.now(), taken: processorTime(coordinator.pid).own });
  }, SAMPLE_MS);
  const recovered = async () => {
    await sleep(1000);
    const found = (await told()).filter(({ id }) => !before.includes(id));
    const since = found.map(({ at }) => Date.parse(at));
    // Of several losses of one job the ring that is formed anew is told of with one.
    const ended = found.flatMap(({ at, job, recovery }) =>
      recovery === null
        ? []
        : [{ job, at: Date.parse(at) + 1000 * (recovery.abort + recovery.form) }],
    );
    const isOver = found.every(({ job }) => ended.some((each) => each.job === job));
    return found.length > 0 && isOver ? [...since, ...ended.map(({ at }) => at)] : null;
  };
  let moments: readonly number[];
  try {
    // Nothing more is heard of it, and no connection ends.
    host.kill('SIGSTOP');
    await sleep(detection.leaseMs);
    moments = await until('every ring was formed anew', recovered, SETTLE_MS);
  } finally {
    clearInterval(sampling);
  }
  const [from, to] = [Math.min(...moments), Math.max(...moments)];
  const within = samples.filter(({ at }) => at >= from - SAMPLE_MS && at <= to + SAMPLE_MS);
  const processor = (within.at(-1)?.taken ?? NaN) - (within[0]?.taken ?? NaN);
  return { seconds: (to - from) / 1000, processorSeconds: processor };
}

async function sharesOf(pid: number): Promise<number[]> {
  const shares = [];
  for (let second = 0; second < WATCHED_SECONDS; second++) {
    const [before, since] = [processorTime(pid).own, performance.now()];
    await sleep(1000);
    const seconds = (performance.now() - since) / 1000;
    shares.push((processorTime(pid).own - before) / seconds);
  }
  return shares;
}

async function answersOverQueue(): Promise<{ submits: number[]; lists: number[] }> {
  const cluster = await Cluster.create({ leaseMs: detection.leaseMs });
  try {
    await writeTexts(cluster.home.root);
    const job = jobOf(cluster.home.root, { steps: 100, checkpointEvery: 100 });
    fillQueue(cluster.home.store, job);
    await cluster.startCoordinator();
    const { url } = announced(cluster);
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ spec: job });
    const submits = await timesOf(`${url}/v1/jobs`, { method: 'POST', headers, body });
    const lists = await timesOf(`${url}/v1/jobs`);
    return { submits, lists };
  } finally {
    await cluster.coordinator.kill();
    await cluster.remove();
  }
}

function fillQueue(path: string, job: object): void {
  const spec = parseJobSpec(job);
  const store = new Store(path);
  const createdAt = new Date().toISOString();
  store.transaction(() => {
    for (let number = 0; number < QUEUED; number++)
      store.jobs.insert({ id: `j-bench${number}`, spec, after: [], base: null, createdAt });
  });
  store.close();
}

/** Milliseconds from each request to the end of its answer. */
async function timesOf(url: string, init: RequestInit = {}): Promise<number[]> {
  const times = [];
  for (let request = 0; request < REQUESTS; request++) {
    const started = performance.now();
    const response = await fetch(url, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
    times.push(performance.now() - started);
  }
  return times;
}

function row(name: string, times: readonly number[]): string[] {
  if (times.length === 0) return [name, '–', '–', '–', '≤ 50'];
  const sorted = times.toSorted((a, b) => a - b);
  const late = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? NaN;
  return [name, ...[median(times), late, Math.max(...times)].map((ms) => ms.toFixed(1)), '≤ 50'];
}

function announced(cluster: Cluster) {
  return coordinatorFileSchema.parse(JSON.parse(readFileSync(cluster.home.coordinator, 'utf8')));
}
