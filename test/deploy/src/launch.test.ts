import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LaunchedCluster } from './cluster.js';
import { openServiceManager, type ServiceManager } from './manager.js';
import { openRelay, type Relay } from './relay.js';

/** Longest that is waited for something, on a busy machine too. */
const PATIENCE_MS = 90_000;
const STEPS = 200;

describe('a cluster that the programs of deploy/launch start', () => {
  const directory = temporaryDirectory();
  const cluster = new LaunchedCluster(directory);
  let manager: ServiceManager;
  let api: Relay;
  let control: Relay;

  /** Starts the coordinator at an address, and has the one name of it lead there. */
  async function startCoordinator(host: string) {
    for (const relay of [api, control]) relay.leadTo(host);
    const name = ['--advertise', api.host, '--allowed-host', api.host];
    const ports = ['--port', String(api.port), '--control-port', String(control.port)];
    return cluster.startCoordinator([...name, ...ports, '--host', host], manager.environment);
  }

  /** Waits until the job computes with so many workers and is past a step. */
  async function atWork(job: string, workers: number, step: number) {
    await eventually(
      `${workers} compute past step ${step}`,
      async () => {
        const view = await cluster.view(job);
        expect(view.error).toBeNull();
        return view.workers.length === workers && view.step > step;
      },
      PATIENCE_MS,
    );
  }

  async function succeeds(job: string) {
    await eventually(
      `${job} has succeeded`,
      async () => {
        const { state, error } = await cluster.view(job);
        expect(error).toBeNull();
        return state === 'succeeded';
      },
      PATIENCE_MS,
    );
  }

  /** Waits until services have told the manager so this often. */
  async function told(state: string, times: number) {
    const has = () => manager.told().filter((each) => each === state).length === times;
    await eventually(`${state}, ${times} times`, has);
  }

  beforeAll(async () => {
    manager = await openServiceManager(join(directory, 'notify'));
    [api, control] = [await openRelay(), await openRelay()];
  });
  afterAll(async () => {
    await cluster.close();
    for (const relay of [api, control]) relay.close();
    manager.close();
  });

  it('ends a job in the same bytes when a worker leaves and the coordinator moves to another address', async () => {
    const coordinator = await startCoordinator('127.0.0.2');
    await told('READY=1', 1);
    const notice = join(directory, 'notice');
    const stays = cluster.startWorker('stays', ['--orphan-timeout', '5m'], manager.environment);
    const leaves = cluster.startWorker('leaves', ['--leave-file', notice]);
    await eventually('two workers', async () => (await cluster.workers()) === 2, PATIENCE_MS);
    await told('READY=1', 2);

    const undisturbed = await cluster.submit(STEPS);
    await succeeds(undisturbed);
    const other = await cluster.submit(STEPS);
    await atWork(other, 2, 20);
    const left = once(leaves, 'exit');
    writeFileSync(notice, '');
    expect(await left).toEqual([0, null]);
    coordinator.kill('SIGKILL');
    await once(coordinator, 'exit');
    const moved = await startCoordinator('127.0.0.3');
    await succeeds(other);
    const [one, two] = await Promise.all([cluster.view(undisturbed), cluster.view(other)]);
    expect(one.result?.stateHash).toMatch(/^[0-9a-f]{64}$/);
    expect(two.result?.stateHash).toBe(one.result?.stateHash);
    expect(await cluster.incidents()).toEqual([]);

    const ended = Promise.all([once(moved, 'exit'), once(stays, 'exit')]);
    moved.kill('SIGTERM');
    expect(await ended).toEqual([
      [0, null],
      [0, null],
    ]);
    await told('STOPPING=1', 1);
  });
});
