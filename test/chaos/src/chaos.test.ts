import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { endure, trainUndisturbed } from './endure.js';
import type { Kind } from './events/index.js';
import { writeTexts } from './job.js';
import { Proxy } from './proxy.js';
import { describeEntry, makeSchedule } from './schedule.js';

const workers = 3;
const job = { steps: 300, checkpointEvery: 25 };
const kinds: readonly Kind[] = [
  'kill-trainer',
  'kill-coordinator',
  'kill-coordinator-and-trainer',
  'leave',
  'join',
  'stop-worker',
  'flip-frame',
  'restart-cluster',
  'hang-up',
  'fault',
];

let cluster: Cluster;
let proxy: Proxy;
let expected: string;

beforeAll(async () => {
  proxy = await Proxy.open();
  cluster = await Cluster.create({ leaseMs: 3000, proxy });
  await writeTexts(cluster.home.root);
  await cluster.startCoordinator();
  for (let started = 0; started < workers; started++) await cluster.addWorker();
  expected = await trainUndisturbed(cluster, job);
});

afterAll(() => {
  proxy.close();
});

describe('whatever happens to a run', () => {
  it.each([1])('its final state is that of the undisturbed one (seed %d)', async (seed) => {
    const schedule = makeSchedule({ seed, events: kinds.length, kinds, workers });
    const told: string[] = [];
    const runs = await endure({
      cluster,
      schedule,
      job,
      expected,
      onProgress: () => undefined,
      onHappened: (line) => told.push(line),
    });
    const story = [...schedule.map(describeEntry), ...told].join('\n');
    expect(
      runs.flatMap(({ violations }) => violations),
      story,
    ).toEqual([]);
  });

  it('leaves no process', async () => {
    await cluster.down();
    await cluster.remove();
  });
});
