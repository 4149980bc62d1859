import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity, ringmasterHome } from '@ringmaster/base';
import { coordinatorFileSchema, statusViewSchema } from '@ringmaster/protocol';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK } from './cluster/exclusively.js';
import { readRecords, type ProcessRecord } from './cluster/records.js';
import { isRunning, untilGone } from './processes.js';
import { ringmaster } from './run.test.fixture.js';

const LONG_MS = 120_000;

let root: string;
const cluster = (...args: string[]) => ringmaster([...args, '--home', root]);
const records = () => readRecords(ringmasterHome(root));

function named(name: string): ProcessRecord {
  const found = records().find((record) => record.name === name);
  if (found === undefined) throw new Error(`${name} was not recorded`);
  return found;
}

/** What is told of processes that are gone. */
const lossOf = (lost: readonly ProcessRecord[]) =>
  lost
    .map(({ name, pid }) => `${name} was lost: process ${pid} has ended without being asked to.\n`)
    .join('');

/** Processes that name the home of this test in their arguments. */
function processesHere(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => argumentsOf(pid).includes(root));
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}

async function workerPids(): Promise<number[]> {
  const { stdout } = await cluster('status', '--json');
  const { workers } = statusViewSchema.parse(JSON.parse(stdout));
  return workers.filter(({ state }) => state === 'alive').map(({ pid }) => pid);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringmaster-cluster-'));
});

afterEach(async () => {
  await cluster('down');
  rmSync(root, { recursive: true });
});

describe('a cluster on this machine', { timeout: LONG_MS }, () => {
  it('comes up once, says where it is, and goes down without a trace', async () => {
    const up = await cluster('up', '--workers', '2');
    expect(up).toMatchObject({ exit: 0, stderr: '' });
    const [, url = ''] = /^url +(\S+)$/m.exec(up.stdout) ?? [];
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const processes = records();
    expect(processes.map(({ name }) => name).sort()).toEqual([
      'coordinator',
      'worker-1',
      'worker-2',
    ]);
    const pids = processes.slice(1).map(({ pid }) => pid);
    expect((await workerPids()).sort()).toEqual(pids.sort());

    for (const args of [[], ['--workers', '2']]) {
      const again = await cluster('up', ...args);
      expect(again).toMatchObject({ exit: 0, stdout: up.stdout });
      expect(records()).toEqual(processes);
    }
    const other = await cluster('up', '--port', '4000');
    expect(other.exit).toBe(1);
    expect(other.stderr).toMatch(/^ringmaster: COORDINATOR_RUNNING: .*\n {2}.*without --port=4000/);
    expect(processes.every(isRunning)).toBe(true);

    const json = await cluster('up', '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      url,
      metrics: `${url}/metrics`,
      logs: join(root, 'logs'),
    });

    const down = await cluster('down', '--json');
    expect(down.exit).toBe(0);
    const { ended } = JSON.parse(down.stdout) as { ended: number };
    expect(ended).toBeGreaterThanOrEqual(processes.length);
    expect(processes.filter(isRunning)).toEqual([]);
    expect(existsSync(join(root, 'coordinator.json'))).toBe(false);
    expect(await cluster('down')).toMatchObject({ exit: 0, stderr: 'Nothing runs here.\n' });
  });

  it('has its workers still when its coordinator was stopped, and leaves none when that is killed', async () => {
    const orphanMs = 500;
    await cluster('up', '--workers', '1', '--orphan-timeout', `${orphanMs}ms`);
    const [coordinator, worker] = [named('coordinator'), named('worker-1')];
    process.kill(coordinator.pid, 'SIGSTOP');
    await sleep(4 * orphanMs);
    process.kill(coordinator.pid, 'SIGCONT');
    await expect.poll(workerPids, { timeout: 30_000 }).toEqual([worker.pid]);
    process.kill(coordinator.pid, 'SIGKILL');
    await untilGone([worker], 30_000);
    expect(isRunning(worker)).toBe(false);
  });

  it('ends what it has started when the rest does not start', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const outcome = await cluster('up', '--port', String(port));
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toMatch(/^ringmaster: PORT_IN_USE: .*\n {2}\S/);
    expect(records()).toEqual([]);
    await new Promise((resolve) => taken.close(resolve));
  });

  it.each([
    ['a new one', (home: string) => join(home, 'a', 'b'), []],
    ['an empty one', (home: string) => home, []],
    ['one with files of the user', (home: string) => home, ['job.yaml']],
  ])('leaves nothing of a start that fails in %s', async (_, where, files) => {
    for (const name of files) writeFileSync(join(root, name), '');
    const home = where(root);
    const outcome = await ringmaster(['up', '--host', '192.0.2.1', '--secure', '--home', home]);
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toMatch(/^ringmaster: ADDRESS_UNAVAILABLE: /);
    expect(readdirSync(root)).toEqual(files);
  });

  it.each([1, 22, 5060, 6000, 6667, 10080])(
    'refuses port %d, where no client connects',
    async (port) => {
      const home = join(root, 'home');
      const outcome = await ringmaster(['up', '--port', String(port), '--home', home]);
      expect(outcome.exit).toBe(2);
      expect(outcome.stderr).toMatch(new RegExp(`^ringmaster: USAGE: .*port ${port}`));
      expect(existsSync(home)).toBe(false);
    },
  );

  it('has as many workers as `up` says, and one more for each `worker`', async () => {
    expect((await cluster('up', '--workers', '1')).exit).toBe(0);
    const first = named('worker-1');
    process.kill(first.pid, 'SIGKILL');
    await untilGone([first], 5000);
    expect((await cluster('up', '--workers', '2')).exit).toBe(0);
    const pids = [named('worker-1'), named('worker-2')].map(({ pid }) => pid).sort();
    // The one that was killed is missed when its lease is over.
    await expect.poll(async () => (await workerPids()).sort(), { timeout: 20_000 }).toEqual(pids);
    const one = await cluster('worker', '--threads', '2', '--cache-limit', '1GB');
    expect(one.exit).toBe(0);
    const { stdout } = await cluster('status', '--json');
    const { workers } = statusViewSchema.parse(JSON.parse(stdout));
    expect(workers.find(({ id }) => `${id}\n` === one.stdout)).toMatchObject({
      state: 'alive',
      threads: 2,
    });
    const [kept, spare] = [named('worker-1'), [named('worker-2'), named('worker-3')]];
    const down = await cluster('up', '--workers', '1');
    expect(down).toMatchObject({ exit: 0, stderr: 'worker-2 has left\nworker-3 has left\n' });
    expect(spare.filter(isRunning)).toEqual([]);
    expect(
      records()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['coordinator', 'worker-1']);
    expect(named('worker-1')).toEqual(kept);
    expect(JSON.parse((await cluster('incidents', '--json')).stdout)).toEqual([]);
  });

  it('starts no worker without a coordinator', async () => {
    expect((await cluster('worker')).exit).toBe(3);
    expect(readdirSync(root)).toEqual([]);
  });

  it.skipIf(!canMountSmallDisk())('leaves no process where its home has no room', async () => {
    const disk = SmallDisk.mount(join(root, 'disk'), 1024);
    const home = join(disk.path, 'home');
    const there = (...args: string[]) => ringmaster([...args, '--home', home]);
    try {
      expect((await there('up', '--workers', '0')).exit).toBe(0);
      expect((await there('down')).exit).toBe(0);
      disk.fill(0);
      const outcome = await there('up', '--workers', '1');
      expect(outcome.exit).toBe(1);
      expect(outcome.stderr).toMatch(/^ringmaster: DISK_FULL: .*\n {2}\S/);
      expect(processesHere()).toEqual([]);
      expect(readdirSync(home).filter((name) => /\.tmp$|^processes/.test(name))).toEqual([]);
    } finally {
      disk.unmount();
    }
  });

  it('takes everything down when it is interrupted on the way', async () => {
    const seen: ProcessRecord[] = [];
    const { exit } = await ringmaster(['up', '--workers', '1', '--home', root], {
      onStart: (child) => {
        const timer = setInterval(() => {
          seen.splice(0, seen.length, ...records());
          if (seen.length === 0) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 10);
      },
    });
    expect(exit).toBe(130);
    expect(seen.map(({ name }) => name)).toEqual(['coordinator']);
    expect(seen.filter(isRunning)).toEqual([]);
    expect(records()).toEqual([]);
  });

  it('ends workers whose coordinator was killed and does not come back', async () => {
    await cluster('up', '--workers', '2');
    const processes = records();
    process.kill(named('coordinator').pid, 'SIGKILL');
    expect(await untilGone(processes, 30_000)).toEqual([]);
    expect((await cluster('status')).exit).toBe(3);
  });

  it('ends the workers of a killed coordinator at once when asked to', async () => {
    await cluster('up', '--workers', '1', '--orphan-timeout', '1h');
    const processes = records();
    process.kill(named('coordinator').pid, 'SIGKILL');
    expect((await cluster('down')).exit).toBe(0);
    expect(processes.filter(isRunning)).toEqual([]);
  });

  it('takes workers over that outlived their coordinator, and starts those that did not', async () => {
    await cluster('up', '--workers', '2', '--orphan-timeout', '1h');
    const survivor = named('worker-1');
    process.kill(named('coordinator').pid, 'SIGKILL');
    process.kill(named('worker-2').pid, 'SIGKILL');
    const killed = [named('coordinator'), named('worker-2')];
    await untilGone(killed, 5000);
    const lost = lossOf(killed);
    const { exit, stderr } = await cluster('up', '--workers', '2');
    expect(exit).toBe(0);
    expect(stderr).toBe(`${lost}worker-1 was taken over\n`);
    expect(named('worker-1')).toEqual(survivor);
    expect((await workerPids()).sort()).toEqual([survivor.pid, named('worker-2').pid].sort());
  });

  it('is one, however many commands start it at once', async () => {
    const ups = await Promise.all([1, 2, 1].map((n) => cluster('up', '--workers', String(n))));
    expect(ups.map(({ exit }) => exit)).toEqual([0, 0, 0]);
    expect(new Set(ups.map(({ stdout }) => stdout)).size).toBe(1);
    const workers = records().filter(({ name }) => name !== 'coordinator');
    expect((await workerPids()).sort()).toEqual(workers.map(({ pid }) => pid).sort());
    expect(processesHere()).toHaveLength(records().length);
    expect(readdirSync(root)).not.toContain(LOCK);
  });

  it('is held up by no command that was killed while it started something', async () => {
    const dead = { ...ownIdentity(), startTime: 1 };
    writeFileSync(join(root, LOCK), JSON.stringify(dead));
    expect(await cluster('up', '--workers', '0')).toMatchObject({ exit: 0, stderr: '' });
  });

  it('has no home where a file is', async () => {
    writeFileSync(join(root, 'file'), '');
    for (const home of ['file', 'file/home']) {
      const { exit, stderr } = await ringmaster(['up', '--home', join(root, home)]);
      expect(exit).toBe(1);
      expect(stderr).toMatch(/^ringmaster: HOME_NOT_WRITABLE: .*\n {2}.*\n$/);
    }
  });

  it('tells once, and only of workers that were not asked to go, which were lost', async () => {
    await cluster('up', '--workers', '3');
    const [one, two, three] = ['worker-1', 'worker-2', 'worker-3'].map(named);
    process.kill(one!.pid, 'SIGKILL');
    process.kill(two!.pid, 'SIGTERM');
    await untilGone([one!, two!], 30_000);
    const up = await cluster('up');
    expect(up).toMatchObject({ exit: 0, stderr: `${lossOf([one!])}It runs already.\n` });
    expect((await cluster('up')).stderr).toBe('It runs already.\n');

    process.kill(three!.pid, 'SIGKILL');
    await untilGone([three!], 5000);
    expect((await cluster('down')).stderr).toMatch(
      new RegExp(`^${lossOf([three!])}Ended \\d+ processe?s?\\.\n$`),
    );
    expect((await cluster('down')).stderr).toBe('Nothing runs here.\n');
    expect((await cluster('up', '--workers', '0')).stderr).toBe(lossOf([three!]));
    process.kill(named('coordinator').pid, 'SIGTERM');
    await untilGone([named('coordinator')], 30_000);
    expect((await cluster('up', '--workers', '0')).stderr).toBe('');
  });

  it('asks for its token when it is secure', async () => {
    expect((await cluster('up', '--workers', '1', '--secure')).exit).toBe(0);
    const file: unknown = JSON.parse(readFileSync(join(root, 'coordinator.json'), 'utf8'));
    const { url } = coordinatorFileSchema.parse(file);
    expect((await fetch(`${url}/v1/jobs`)).status).toBe(401);
    expect((await cluster('jobs')).exit).toBe(0);
    expect(await workerPids()).toEqual([named('worker-1').pid]);
  });
});
