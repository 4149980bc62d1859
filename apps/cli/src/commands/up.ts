import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import {
  makeHomeDirectory,
  RingmasterError,
  ringmasterHome,
  type Home,
} from '@ringmaster/protocol';
import { duration, gather, wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { startProcess, untilReady, type Started } from '../cluster/launcher.js';
import { readRecords, writeRecords, type ProcessRecord } from '../cluster/records.js';
import { interruption } from '../interruption.js';

import { inHome, readCoordinator } from '../location.js';
import { note, pairs, print } from '../output.js';
import { endProcesses, identify, isRunning, withDescendants } from '../processes.js';
import { homeOption, type HomeOption } from '../verb.js';

interface UpOptions extends HomeOption {
  readonly workers: number;
  readonly threads: number;
  readonly port?: number;
  readonly host?: string;
  readonly allowedHost?: readonly string[];
  readonly dataRoot?: readonly string[];
  readonly secure?: true;
  readonly orphanTimeout?: string;
}

const COORDINATOR_MS = 30_000;
const WORKERS_MS = 60_000;
/** A worker may need three seconds to end its trainers. */
const GRACE_MS = 6000;

export function define(verb: Command): void {
  homeOption(verb)
    .option('--workers <n>', 'number of workers', wholeNumber(0, 256), 2)
    .option('--threads <k>', 'TensorFlow threads that a worker offers', wholeNumber(1, 256), 1)
    .option('--port <port>', 'port of the HTTP API (default: any)', wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option(
      '--allowed-host <name>',
      'answer requests to this name too, as a proxy sends them; may be repeated',
      gather,
    )
    .option(
      '--data-root <dir>',
      'directory that jobs may read data and models from; may be repeated (default: any on loopback, none else)',
      gather,
    )
    .option('--secure', 'make an API token and CURVE keys, and ask for them')
    .option(
      '--orphan-timeout <time>',
      'how long workers go on without a coordinator (default: 10s)',
      (text) => {
        duration(text);
        return text;
      },
    )
    .addHelpText(
      'after',
      '\nWorkers that outlived their coordinator are taken over. Logs are in logs/ of the home directory.',
    )
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const home = ringmasterHome(options.home);
  const client = new Client(inHome(home));
  await refuseIfRunning(home, client);
  makeHome(home);
  const signal = interruption('what was started has been ended.');
  const started: Started[] = [];
  try {
    const coordinator = await startProcess(
      home,
      'coordinator',
      '@ringmaster/coordinator/dist/main.js',
      [
        ...(options.port === undefined ? [] : ['--port', String(options.port)]),
        ...(options.host === undefined ? [] : ['--host', options.host]),
        ...(options.allowedHost ?? []).flatMap((name) => ['--allowed-host', name]),
        ...(options.dataRoot ?? []).flatMap((root) => ['--data-root', resolve(root)]),
        ...(options.secure === undefined ? [] : ['--secure']),
      ],
    );
    started.push(coordinator);
    await untilReady(
      coordinator,
      COORDINATOR_MS,
      signal,
      async () => readCoordinator(home)?.pid === coordinator.pid && (await client.isReady()),
    );
    await startWorkers(home, client, options, started, signal);
  } catch (error) {
    await endProcesses(withDescendants(started), GRACE_MS);
    const names = started.map(({ name }) => name);
    writeRecords(
      home,
      readRecords(home).filter(({ name }) => !names.includes(name)),
    );
    throw error;
  }
  const { url } = client;
  print(
    pairs([
      ['url', url],
      ['metrics', `${url}/metrics`],
      ['logs', home.logs],
    ]),
  );
}

/** @throws COORDINATOR_RUNNING */
async function refuseIfRunning(home: Home, client: Client): Promise<void> {
  const file = readCoordinator(home);
  if (file === null || identify(file.pid) === null) return;
  const { url, pid } = file;
  const recorded = readRecords(home).find(({ name }) => name === 'coordinator');
  const isOurs = recorded?.pid === pid && isRunning(recorded);
  if (isOurs || (await client.isReady())) {
    throw new RingmasterError('COORDINATOR_RUNNING', { url, pid });
  }
}

function makeHome(home: Home): void {
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.logs);
  writeRecords(home, readRecords(home).filter(isRunning));
}

/** Starts the workers that are missing, and waits until all are registered. */
async function startWorkers(
  home: Home,
  client: Client,
  { workers, threads, orphanTimeout }: UpOptions,
  started: Started[],
  signal: AbortSignal,
): Promise<void> {
  const names = Array.from({ length: workers }, (_, index) => `worker-${index + 1}`);
  const isRegistered = async (pid: number) =>
    (await client.workers()).some(
      (worker) => worker.pid === pid && worker.state !== 'lost' && worker.state !== 'left',
    );
  const startWorker = async (name: string) => {
    const worker = await startProcess(home, name, '@ringmaster/worker/dist/main.js', [
      ...['--name', name, '--threads', String(threads)],
      ...(orphanTimeout === undefined ? [] : ['--orphan-timeout', orphanTimeout]),
    ]);
    started.push(worker);
    return worker;
  };
  const survivors = readRecords(home).filter(
    (record) => names.includes(record.name) && isRunning(record),
  );
  const missing = names.filter((name) => !survivors.some((record) => record.name === name));
  const fresh = await Promise.all(missing.map(startWorker));
  for (const survivor of survivors) {
    if (await survives(survivor, isRegistered, signal)) note(`${survivor.name} was taken over`);
    else fresh.push(await startWorker(survivor.name));
  }
  for (const worker of fresh) {
    await untilReady(worker, WORKERS_MS, signal, () => isRegistered(worker.pid));
  }
}

/** Whether a worker that outlived its coordinator finds the new one; it may just be giving up. */
async function survives(
  worker: ProcessRecord,
  isRegistered: (pid: number) => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  while (isRunning(worker)) {
    signal.throwIfAborted();
    if (await isRegistered(worker.pid)) return true;
    await sleep(100);
  }
  return false;
}
