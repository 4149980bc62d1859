import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { canUnsharePids, NamespacedProcess } from '@ringmaster/base/testing';
import { incidentViewSchema } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.test.fixture.js';

const worker = fileURLToPath(new URL('../../../apps/worker/dist/main.js', import.meta.url));
const STEPS = 120;
/** What is added to a step while something is done to its job, so that the job is at work all the time. */
const PACE_MS = 150;

let cluster: Cluster;
let job: string;
/** State hash of the job that nothing happened to. */
let undisturbed: string;

/** Submits the job, which never writes a checkpoint by itself, and waits until it computes on so many workers. */
async function atWork(workers: number): Promise<string> {
  await cluster.pace(PACE_MS);
  const id = await cluster.ok(['submit', job]);
  await cluster.untilJob(
    id,
    (view) => view.state === 'running' && view.workers.length === workers && view.step > 5,
  );
  return id;
}

/** The job ends as it would have without what has happened to it, and nothing is told. */
async function expectUndisturbed(id: string): Promise<void> {
  await cluster.hurry();
  expect(await cluster.stateHashOf(id)).toBe(undisturbed);
  expect(await incidents()).toEqual([]);
}

async function incidents() {
  const told: unknown = JSON.parse(await cluster.ok(['incidents', '--json']));
  return incidentViewSchema.array().parse(told);
}

/** Steps that were applied, repeated ones included, since the coordinator was started. */
async function stepsMade(id: string): Promise<number> {
  const metrics = await (await cluster.get('/metrics')).text();
  return Number(new RegExp(`ringmaster_steps_total\\{job="${id}"\\} (\\d+)`).exec(metrics)?.[1]);
}

beforeAll(async () => {
  cluster = await Cluster.create();
  await cluster.ok(['up', '--workers', '2']);
  const words = 'the quick brown fox jumps over a lazy dog while wizards brew'.split(' ');
  const lines = Array.from({ length: 300 }, (_, line) =>
    Array.from({ length: 9 }, (_, at) => words[(line * 7 + at * at * (1 + (line % 5))) % 12]),
  );
  await cluster.file('texts.txt', lines.map((line) => line.join(' ')).join('\n'));
  job = await cluster.job('job', {
    kind: 'pretrain',
    name: 'planned',
    seed: 5,
    steps: STEPS,
    model: { architecture: 'bert', layers: 1, hidden: 32, heads: 2, context: 16, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    data: { files: 'texts.txt', format: 'lines' },
    objective: 'masked-language-model',
    batch: { sequences: 16, microbatches: 4 },
    optimizer: { learningRate: 1e-3 },
    checkpoint: { every: 100_000 },
  });
  const id = await cluster.ok(['submit', job]);
  undisturbed = (await cluster.stateHashOf(id)) ?? '';
  expect(undisturbed).toMatch(/^[0-9a-f]{64}$/);
});

afterAll(async () => {
  await cluster.remove();
});

describe('no step is lost and nothing is told', () => {
  /** Brings the cluster up again: the job goes on at the step that it had reached, and makes each of the others once. */
  async function expectNoStepLost(id: string): Promise<void> {
    await cluster.ok(['up', '--workers', '2']);
    const { step } = await cluster.view(id);
    expect(step).toBeGreaterThan(5);
    expect(step).toBeLessThan(STEPS);
    await expectUndisturbed(id);
    expect(await stepsMade(id)).toBe(STEPS - step);
  }

  const allHaveEnded = () =>
    cluster.until('all have ended', () => cluster.processes().length === 0 || null);

  it('when the cluster goes down and comes up again', async () => {
    const id = await atWork(2);
    await cluster.ok(['down']);
    expect(cluster.processes()).toEqual([]);
    await expectNoStepLost(id);
  });

  it('when the terminal of the coordinator is closed', async () => {
    const id = await atWork(2);
    process.kill((await cluster.coordinator()).pid, 'SIGHUP');
    await allHaveEnded();
    await expectNoStepLost(id);
  });

  it('when the host goes down, which sends SIGTERM to all at once', async () => {
    const id = await atWork(2);
    const pids = [
      (await cluster.coordinator()).pid,
      ...(await cluster.workers()).map(({ pid }) => pid),
    ];
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    await allHaveEnded();
    await expectNoStepLost(id);
  });

  it('when every worker is asked to leave, and others come', async () => {
    const id = await atWork(2);
    // On a busy machine the command may take as long as the rest of the job.
    await cluster.pace(1000);
    await cluster.ok(['up', '--workers', '0']);
    expect(await cluster.workers()).toEqual([]);
    const { state, step } = await cluster.view(id);
    expect(state).toBe('queued');
    expect(step).toBeLessThan(STEPS);
    await cluster.pace(PACE_MS);
    await cluster.ok(['up', '--workers', '2']);
    await expectUndisturbed(id);
    expect(await stepsMade(id)).toBe(STEPS);
  });

  it('when workers come and go as `up` says', async () => {
    const id = await atWork(2);
    // A third trainer takes its time to load on a busy machine.
    await cluster.pace(1000);
    await cluster.ok(['up', '--workers', '3']);
    await cluster.untilJob(id, (view) => view.workers.length === 3);
    await cluster.pace(PACE_MS);
    await cluster.ok(['up', '--workers', '1']);
    expect(await cluster.workers()).toHaveLength(1);
    expect(await cluster.workers('lost')).toEqual([]);
    await cluster.ok(['up', '--workers', '2']);
    await expectUndisturbed(id);
  });
});

describe.skipIf(!canUnsharePids())('workers with one process id and host name', () => {
  const started: NamespacedProcess[] = [];
  const command = [process.execPath, worker, '--home'];

  /** A worker that is process 1 of its own PID namespace, as in a container. */
  function start(name: string): NamespacedProcess {
    const one = new NamespacedProcess([...command, cluster.home, '--name', name], {
      stdio: 'ignore',
    });
    started.push(one);
    return one;
  }

  const ended = ({ child }: { child: ChildProcess }) =>
    child.exitCode === null ? once(child, 'exit') : Promise.resolve();

  afterAll(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    await Promise.all(started.map(ended));
  });

  it('work beside each other, and after each other', async () => {
    await cluster.ok(['up', '--workers', '0']);
    const [one] = [start('worker-1'), start('worker-1')];
    const two = await cluster.until('two workers', async () => {
      const found = await cluster.workers();
      return found.length === 2 ? found : null;
    });
    expect(two.map(({ pid }) => pid)).toEqual([1, 1]);
    expect(new Set(two.map(({ id }) => id)).size).toBe(2);
    const id = await atWork(2);
    process.kill(await one.pid(), 'SIGTERM');
    await ended(one);
    start('worker-1');
    await cluster.until('its successor computes', async () => {
      const { workers: at, state } = await cluster.view(id);
      const alive = (await cluster.workers()).map((view) => view.id);
      const fresh = alive.filter((other) => !two.some((view) => view.id === other));
      return state !== 'running' || fresh.some((other) => at.includes(other)) ? true : null;
    });
    expect(await cluster.workers('leaving')).toEqual([]);
    await expectUndisturbed(id);
  });

  it('are ended by `down`, and nothing else that has their ids here', async () => {
    await cluster.ok(['down']);
    await Promise.all(started.map(ended));
    expect(process.kill(1, 0)).toBe(true);
  });
});
