// node test/chaos/dist/preparation.process.js [--kills 20] [--seed S] [--megabytes 24]: kills a coordinator again and again
// while it has data prepared. No answer to a task is lost, and in the end there are the data that another one has prepared
// undisturbed.
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { Cluster } from './cluster.js';
import { Dice } from './dice.js';
import { jobOf } from './job.js';

const LEASE_MS = 3000;
/** Most tasks that are answered between a coordinator that is ready and its end. */
const MOST_TASKS = 3;
/** Longest time after the last of them, within the task that is being done then. */
const WITHIN_MS = 500;
const POLL_MS = 50;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    megabytes: { type: 'string', default: '24' },
  },
});
const count = z.coerce.number().int().min(1);
const [kills, seed] = [count.parse(values.kills), count.parse(values.seed)];
const bytes = 1e6 * count.parse(values.megabytes);

/** Lines of words, of which no two are nearly the same. */
function* lines(): Generator<string> {
  const dice = new Dice(seed, 'lines');
  for (let written = 0; written < bytes;) {
    const words = Array.from({ length: 40 }, () => dice.integer(0, 9999).toString(36));
    const line = `${words.join(' ')}\n`;
    written += line.length;
    yield line;
  }
}

/** The id of the data that a cluster has prepared, once it has. */
async function untilPrepared(cluster: Cluster): Promise<string> {
  for (;;) {
    const [data] = await cluster.api.data();
    if (data !== undefined) return data.id;
    await sleep(POLL_MS);
  }
}

const isKey = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** Keys of the tasks that are answered. */
function answered(cluster: Cluster): string[] {
  const all = join(cluster.home.artifacts, 'tasks');
  if (!existsSync(all)) return [];
  return readdirSync(all)
    .map((key) => join(all, key, 'answers'))
    .filter((answers) => existsSync(answers))
    .flatMap((answers) => readdirSync(answers))
    .filter(isKey);
}

/** Waits until so many tasks are answered. @returns false where the data were prepared before that */
async function untilAnswered(cluster: Cluster, tasks: number): Promise<boolean> {
  for (;;) {
    if ((await cluster.api.data()).length > 0) return false;
    if (answered(cluster).length >= tasks) return true;
    await sleep(POLL_MS);
  }
}

const clusters: Cluster[] = [];
try {
  const cluster = await Cluster.create({ leaseMs: LEASE_MS });
  clusters.push(cluster);
  const files = join(cluster.home.root, 'texts.txt');
  await pipeline(Readable.from(lines()), createWriteStream(files));
  const job = jobOf(cluster.home.root, { steps: 10, checkpointEvery: 10 });

  const other = await Cluster.create({ leaseMs: LEASE_MS });
  clusters.push(other);
  await other.startCoordinator();
  await other.api.submit(job);
  const expected = await untilPrepared(other);
  await other.down();

  const dice = new Dice(seed, 'kills');
  await cluster.startCoordinator();
  await cluster.api.submit(job);
  let made = 0;
  let kept: string[] = [];
  while (
    made < kills &&
    (await untilAnswered(cluster, kept.length + dice.integer(0, MOST_TASKS)))
  ) {
    await sleep(dice.integer(0, WITHIN_MS));
    await cluster.coordinator.kill();
    const now = answered(cluster);
    await cluster.startCoordinator();
    // The kill came when the data were prepared, and the answers are no longer needed.
    if ((await cluster.api.data()).length > 0) break;
    const lost = kept.filter((key) => !now.includes(key));
    if (lost.length > 0) throw new Error(`${lost.length} answers are gone after kill ${made + 1}`);
    made++;
    console.log(
      `kill ${made}: ${now.length} tasks are answered, ${now.length - kept.length} of them since`,
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
