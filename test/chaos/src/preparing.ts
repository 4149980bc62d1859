import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unreachable } from './api.js';
import type { Cluster } from './cluster.js';
import { Dice } from './dice.js';

const POLL_MS = 50;

/** Writes lines of words, of which no two are nearly the same. */
export async function writeLines(path: string, seed: number, bytes: number): Promise<void> {
  await pipeline(Readable.from(lines(seed, bytes)), createWriteStream(path));
}

function* lines(seed: number, bytes: number): Generator<string> {
  const dice = new Dice(seed, 'lines');
  for (let written = 0; written < bytes;) {
    const words = Array.from({ length: 40 }, () => dice.integer(0, 9999).toString(36));
    const line = `${words.join(' ')}\n`;
    written += line.length;
    yield line;
  }
}

/** The id of the data that a cluster has prepared; null while there are none. */
async function dataOf(cluster: Cluster): Promise<string | null> {
  try {
    const [data] = await cluster.api.data();
    return data?.id ?? null;
  } catch (error) {
    if (error instanceof Unreachable) return null;
    throw error;
  }
}

/** The id of the data that a cluster has prepared, once it has. */
export async function untilPrepared(cluster: Cluster): Promise<string> {
  for (;;) {
    const data = await dataOf(cluster);
    if (data !== null) return data;
    await sleep(POLL_MS);
  }
}

const isKey = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** Keys of the tasks that are answered. */
export function answered(cluster: Cluster): string[] {
  const all = join(cluster.home.artifacts, 'tasks');
  if (!existsSync(all)) return [];
  return readdirSync(all)
    .map((key) => join(all, key, 'answers'))
    .filter((answers) => existsSync(answers))
    .flatMap((answers) => readdirSync(answers))
    .filter(isKey);
}

/** Waits until so many tasks are answered. @returns false where the data were prepared before that */
export async function untilAnswered(cluster: Cluster, tasks: number): Promise<boolean> {
  for (;;) {
    if ((await dataOf(cluster)) !== null) return false;
    if (answered(cluster).length >= tasks) return true;
    await sleep(POLL_MS);
  }
}

/** Tasks of data preparation that the coordinator has had done since it was started, by whom. */
export async function tasksDone(
  cluster: Cluster,
): Promise<{ coordinator: number; workers: number }> {
  const metrics = await cluster.api.metrics();
  const count = (by: string) =>
    Number(new RegExp(`preparation_tasks_total\\{by="${by}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0);
  return { coordinator: count('coordinator'), workers: count('workers') };
}
