// node test/chaos/dist/preparation.process.js [--kills 20] [--seed S] [--megabytes 24] [--workers 2]: kills the coordinator and
// workers again and again while workers prepare data, or the coordinator alone without any. No answer to a task is lost, and in
// the end there are the data that another coordinator has prepared undisturbed.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Cluster } from './cluster.js';
import { Dice } from './dice.js';
import { jobOf } from './job.js';
import { answered, untilAnswered, untilPrepared, writeLines } from './preparing.js';
import type { HarnessProcess } from './process.js';

const LEASE_MS = 3000;
/** Most tasks that are answered between one kill and the next. */
const MOST_TASKS = 3;
/** Longest time after the last of them, within the task that is being done then. */
const WITHIN_MS = 500;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    megabytes: { type: 'string', default: '24' },
    workers: { type: 'string', default: '2' },
  },
});
const count = z.coerce.number().int().min(1);
const [kills, seed] = [count.parse(values.kills), count.parse(values.seed)];
const workers = z.coerce.number().int().min(0).parse(values.workers);
const bytes = 1e6 * count.parse(values.megabytes);

/** Kills the coordinator or a worker. */
async function killOne({ coordinator, workers }: Cluster, dice: Dice): Promise<HarnessProcess> {
  const victim = dice.pick([coordinator, ...workers]);
  await victim.kill();
  return victim;
}

/** Starts another in the place of one that was killed. */
async function replace(cluster: Cluster, victim: HarnessProcess): Promise<void> {
  if (victim === cluster.coordinator) await cluster.startCoordinator();
  else await cluster.addWorker();
}

const clusters: Cluster[] = [];
try {
  const prepareOn = workers === 0 ? 'coordinator' : 'workers';
  const cluster = await Cluster.create({ leaseMs: LEASE_MS, prepareOn });
  clusters.push(cluster);
  const files = join(cluster.home.root, 'texts.txt');
  await writeLines(files, seed, bytes);
  const job = jobOf(cluster.home.root, { steps: 10, checkpointEvery: 10 });

  const other = await Cluster.create({ leaseMs: LEASE_MS });
  clusters.push(other);
  await other.startCoordinator();
  await other.api.submit(job);
  const expected = await untilPrepared(other);
  await other.down();

  const dice = new Dice(seed, 'kills');
  await cluster.startCoordinator();
  for (let started = 0; started < workers; started++) await cluster.addWorker();
  await cluster.api.submit(job);
  let made = 0;
  let kept: string[] = [];
  while (
    made < kills &&
    (await untilAnswered(cluster, kept.length + dice.integer(0, MOST_TASKS)))
  ) {
    await sleep(dice.integer(0, WITHIN_MS));
    const victim = await killOne(cluster, dice);
    const now = answered(cluster);
    await replace(cluster, victim);
    // The kill came when the data were prepared, and the answers are no longer needed.
    if ((await cluster.api.data()).length > 0) break;
    const lost = kept.filter((key) => !now.includes(key));
    if (lost.length > 0) throw new Error(`${lost.length} answers are gone after kill ${made + 1}`);
    made++;
    console.log(
      `kill ${made} (${victim.name}): ${now.length} tasks are answered, ${now.length - kept.length} of them since`,
    );
    kept = now;
  }
  if (kept.length === 0) throw new Error('no kill came after the answer to a task');
  const given = await untilPrepared(cluster);
  if (given !== expected) throw new Error(`${given} was prepared in place of ${expected}`);
  await cluster.down();
  console.log(`${made} kills on ${availableParallelism()} processors: ${given}, as undisturbed`);
} finally {
  for (const cluster of clusters) {
    await cluster.down();
    await cluster.remove();
  }
}
