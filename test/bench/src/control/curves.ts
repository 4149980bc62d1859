import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, jobOf, writeTexts } from '@ringmaster/chaos';
import { Store } from '@ringmaster/coordinator/dist/store/store.js';
import {
  coordinatorFileSchema,
  detection,
  parseJobSpec,
  type EvaluationReport,
  type StepPoint,
} from '@ringmaster/protocol';
import { table, type Findings } from '../report.js';
import { median } from '../statistics.js';

const STEPS = 1_000_000;
const EVALUATED_EVERY = 50;
const JOB = 'j-bench0';
/** Who reads curves, over and over, all at once. */
const READERS = ['steps', 'steps?points=20000', 'steps?limit=20000', 'evaluations'];
const WATCHED_SECONDS = 20;
/** From one request of another client to the next. */
const APART_MS = 10;

/** What others wait for while long curves are read. */
export async function curves(): Promise<Findings> {
  const cluster = await Cluster.create({ leaseMs: detection.leaseMs });
  try {
    await writeTexts(cluster.home.root);
    fill(cluster);
    await cluster.startCoordinator();
    const text = readFileSync(cluster.home.coordinator, 'utf8');
    const { url } = coordinatorFileSchema.parse(JSON.parse(text));
    const quiet = await answersOf(`${url}/v1/jobs/${JOB}`);
    const readings = new Map(READERS.map((name) => [name, [] as number[]]));
    let reading = true;
    const readers = READERS.map(async (name) => {
      while (reading) readings.get(name)?.push(await timeOf(`${url}/v1/jobs/${JOB}/${name}`));
    });
    const busy = await answersOf(`${url}/v1/jobs/${JOB}`);
    reading = false;
    await Promise.all(readers);
    const row = (name: string, times: readonly number[], target: string) => {
      const sorted = times.toSorted((a, b) => a - b);
      const late = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? NaN;
      const figures = [median(times), late, Math.max(...times)].map((ms) => ms.toFixed(1));
      return [name, String(times.length), ...figures, target];
    };
    return {
      benchmark: 'curves',
      versions: { node: process.versions.node },
      rows: [],
      figures: { 'quiet, ms': quiet, 'while curves are read, ms': busy },
      notes: [
        `A run of ${STEPS.toLocaleString('en')} steps with an evaluation every ${EVALUATED_EVERY}, written through the store's own code. ${READERS.length} clients read its curves over and over, all at once; another asks for one job every ${APART_MS} ms, ${WATCHED_SECONDS} s without them and as long beside them. Milliseconds.`,
        table(
          ['request', 'answers', 'median', '99th percentile', 'largest', 'target of the 99th'],
          [
            row('one job, nobody else', quiet, '–'),
            row('one job, while curves are read', busy, '≤ 50'),
            ...READERS.map((name) => row(name, readings.get(name) ?? [], '–')),
          ],
        ),
      ],
    };
  } finally {
    await cluster.coordinator.kill();
    await cluster.remove();
  }
}

function fill(cluster: Cluster): void {
  const spec = parseJobSpec(jobOf(cluster.home.root, { steps: STEPS, checkpointEvery: STEPS }));
  const store = new Store(cluster.home.store);
  const createdAt = new Date().toISOString();
  store.transaction(() => {
    const job = store.jobs.insert({ id: JOB, spec, after: [], base: null, createdAt });
    store.jobs.update({ ...job, state: 'succeeded', step: STEPS, steps: STEPS });
    store.history.addSteps(
      JOB,
      Array.from({ length: STEPS }, (_, at) => pointAt(at + 1)),
    );
    const reports = Array.from({ length: STEPS / EVALUATED_EVERY }, (_, at) => reportAt(at + 1));
    store.history.addEvaluations(JOB, reports);
  });
  store.close();
}

function pointAt(step: number): StepPoint {
  return {
    step,
    learningRate: 5e-4,
    tokensPerSecond: 100_000 + (step % 997),
    loss: 8 * 0.999995 ** step + (step % 89) / 1000,
    gradientNorm: 1 + (step % 97) / 100,
    ledger: { samples: 64, digest: (step * 2_654_435_761) % 2 ** 32 },
  };
}

function reportAt(evaluation: number): EvaluationReport {
  const step = evaluation * EVALUATED_EVERY;
  return { step, loss: 8 * 0.999995 ** step, metrics: { accuracy: 0.5 } };
}

async function answersOf(url: string): Promise<number[]> {
  const times = [];
  const end = performance.now() + WATCHED_SECONDS * 1000;
  while (performance.now() < end) {
    times.push(await timeOf(url));
    await sleep(APART_MS);
  }
  return times;
}

/** Milliseconds from a request to the end of its answer. */
async function timeOf(url: string): Promise<number> {
  const started = performance.now();
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return performance.now() - started;
}
