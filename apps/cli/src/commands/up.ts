import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeHomeDirectory, ringmasterHome, runsHere, type Home } from '@ringmaster/base';
import { readLine } from '@ringmaster/base/home-files';
import { Option, type Command } from 'commander';
import { isLocation, RingmasterError, type WorkerView } from '@ringmaster/protocol';
import { gather, httpPort, wholeNumber } from '../arguments.js';
import { Client } from '../client.js';
import { checkCards } from '../cluster/cards.js';
import { exclusively } from '../cluster/exclusively.js';
import { lookAt, missingDirectories, restore } from '../cluster/home-before.js';
import type { HostsFile } from '../cluster/hosts/hosts-file.js';
import { endingWhatStarted, startProcess, untilReady } from '../cluster/launcher.js';
import { lostProcesses, settledWorkers, tellLost } from '../cluster/lost.js';
import { readRecords, writeRecords } from '../cluster/records.js';
import { LOCAL_ORPHAN_TIMEOUT, scaleTo, type Crew } from '../cluster/workers.js';
import { interruption } from '../interruption.js';
import { inUsersForm } from '../invocation.js';
import { inHome, readCoordinator } from '../location.js';
import { note, pairs, print, printJson } from '../output.js';
import { isRunning } from '../processes.js';
import { homeOption, jsonOption, type HomeOption } from '../verb.js';
import { checkRingPorts, workerOptions, type WorkerOptions } from '../worker-options.js';

interface UpOptions extends HomeOption, WorkerOptions {
  readonly workers?: number;
  readonly port?: number;
  readonly host?: string;
  readonly allowedHost?: readonly string[];
  readonly dataRoot?: readonly string[];
  readonly prepareOn?: string;
  readonly secure?: true;
  readonly controlPort?: number;
  readonly advertise?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly hosts?: string;
  readonly json?: true;
}

const WORKERS = 2;
const COORDINATOR_MS = 30_000;

export function define(verb: Command): void {
  workerOptions(jsonOption(homeOption(verb)), LOCAL_ORPHAN_TIMEOUT)
    .option('--workers <n>', `number of workers (default: ${WORKERS})`, wholeNumber(0, 256))
    .option('--port <port>', 'port of the HTTP API (default: any)', httpPort)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option(
      '--allowed-host <name>',
      'answer requests to this name too, as a proxy sends them; may be repeated',
      gather,
    )
    .option(
      '--data-root <place>',
      'directory, URL or s3://bucket/prefix/ that jobs may read data and models from; may be repeated (default: any on loopback, none else)',
      gather,
    )
    .addOption(
      new Option(
        '--prepare-on <who>',
        'who prepares data: the coordinator with workers of other machines (both), the coordinator alone, or workers wherever they run (default: both)',
      ).choices(['both', 'coordinator', 'workers']),
    )
    .option(
      '--secure',
      'make tokens and keys, and ask for them; print what other machines join with',
    )
    .option(
      '--control-port <port>',
      'port of the control plane (default: any)',
      wholeNumber(0, 65_535),
    )
    .option(
      '--advertise <host>',
      'name or address under which other machines reach this one (default: where it listens)',
    )
    .option('--tls-cert <file>', 'certificate of the API in PEM, instead of one that is made')
    .option('--tls-key <file>', 'its key in PEM')
    .option('--hosts <file>', 'have exactly the machines of this file join, by ssh')
    .addHelpText(
      'after',
      `
In a cluster that runs, --workers changes how many workers there are: missing ones are started, by
the options that are given, spare ones leave as soon as jobs can do without them. Workers that outlived their coordinator are
taken over. Logs are in logs/ of the home directory.`,
    )
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const home = ringmasterHome(options.home);
  checkRingPorts(options, options.workers ?? WORKERS);
  await checkCards(options, options.workers ?? WORKERS);
  const hosts = options.hosts === undefined ? null : await readHosts(options.hosts);
  const client = new Client(inHome(home));
  const signal = interruption('what was started has been ended.');
  const given = coordinatorArguments(options);
  const missing = missingDirectories(home);
  await exclusively(home, signal, async () => {
    await start({ ...options, home, client, signal }, given, missing);
  });
  const { url } = client;
  const join = readLine(home.join);
  if (hosts !== null) {
    if (join === null) throw new RingmasterError('NOT_SECURE', {});
    const { bringUpHosts } = await import('../cluster/hosts/hosts.js');
    await bringUpHosts(home, hosts, join);
  }
  const places = { url, metrics: `${url}/metrics`, logs: home.logs };
  if (options.json) printJson(join === null ? places : { ...places, join });
  else {
    print(pairs(Object.entries(places)));
    if (join !== null) print(inUsersForm(`\nOn other machines: ringmaster join ${join}`));
  }
}

/** Starts what is missing of the cluster. Nothing else is started in its home meanwhile. */
async function start(
  crew: Omit<Crew, 'started'> & { readonly workers?: number },
  given: readonly string[],
  missing: readonly string[],
): Promise<void> {
  const { home, client, signal, workers } = crew;
  if (await runs(home, client, signal)) {
    refuseOtherArguments(home, client, given);
    forgetLost(home, await settledWorkers(home, client));
    if (workers === undefined) note('It runs already.');
    else
      await endingWhatStarted(home, async (started) => {
        await scaleTo({ ...crew, started }, workers);
      });
    return;
  }
  const before = lookAt(home, missing);
  try {
    makeHomeDirectory(home.logs);
    forgetLost(home, null);
    await endingWhatStarted(home, async (started) => {
      await startCoordinator({ ...crew, started }, given);
      await scaleTo({ ...crew, started }, workers ?? WORKERS);
    });
  } catch (error) {
    // Of a start that failed without a known reason the log is what there is to read.
    const isExplained = !(error instanceof RingmasterError) || error.code !== 'START_FAILED';
    if (isExplained) restore(home, before);
    throw error;
  }
}

/** Read before anything is started. Loaded here: few have such a file. */
async function readHosts(path: string): Promise<HostsFile> {
  const { readHostsFile } = await import('../cluster/hosts/hosts-file.js');
  return readHostsFile(path);
}

/** What the coordinator is given on its command line besides its home. */
function coordinatorArguments(options: UpOptions): string[] {
  const { port, controlPort, host, advertise, allowedHost, dataRoot, secure, prepareOn } = options;
  const { tlsCert, tlsKey } = options;
  return [
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(host === undefined ? [] : [`--host=${host}`]),
    ...(allowedHost ?? []).map((name) => `--allowed-host=${name}`),
    ...(dataRoot ?? []).map((path) => `--data-root=${isLocation(path) ? path : resolve(path)}`),
    ...(prepareOn === undefined ? [] : [`--prepare-on=${prepareOn}`]),
    ...(secure === undefined ? [] : ['--secure']),
    ...(controlPort === undefined ? [] : [`--control-port=${controlPort}`]),
    ...(advertise === undefined ? [] : [`--advertise=${advertise}`]),
    ...(tlsCert === undefined ? [] : [`--tls-cert=${resolve(tlsCert)}`]),
    ...(tlsKey === undefined ? [] : [`--tls-key=${resolve(tlsKey)}`]),
  ];
}

/**
 * Whether a coordinator serves this home. One that is starting or going down at this moment is waited for.
 * @throws COORDINATOR_RUNNING when it does neither for long
 */
async function runs(home: Home, client: Client, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + COORDINATOR_MS;
  for (;;) {
    const file = readCoordinator(home);
    if (file === null) return false;
    if (await client.isReady()) return true;
    if (!runsHere(file)) return false;
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      const remedy = 'It is starting or going down: try again, or end it with: ringmaster down';
      const { url, pid } = file;
      throw new RingmasterError('COORDINATOR_RUNNING', { url, pid }, { remedy });
    }
    await sleep(100);
  }
}

/** @throws COORDINATOR_RUNNING when the one that runs was started with other options than these */
function refuseOtherArguments(home: Home, client: Client, given: readonly string[]): void {
  const record = readRecords(home).find(({ name }) => name === 'coordinator');
  const other = given.filter((argument) => record?.args.includes(argument) !== true);
  if (other.length === 0) return;
  const pid = readCoordinator(home)?.pid ?? 0;
  const remedy = `It was started without ${other.join(' ')}: leave that out, or end it first with: ringmaster down`;
  throw new RingmasterError('COORDINATOR_RUNNING', { url: client.url, pid }, { remedy });
}

/** Tells once what is gone since the last start. */
function forgetLost(home: Home, views: readonly WorkerView[] | null): void {
  tellLost(lostProcesses(home, views));
  writeRecords(home, readRecords(home).filter(isRunning));
}

async function startCoordinator(crew: Crew, args: readonly string[]): Promise<void> {
  const { home, client, signal, started } = crew;
  const program = '@ringmaster/coordinator/dist/main.js';
  const coordinator = await startProcess(home, 'coordinator', program, args);
  started.push(coordinator);
  await untilReady(
    coordinator,
    COORDINATOR_MS,
    signal,
    async () => readCoordinator(home)?.pid === coordinator.pid && (await client.isReady()),
  );
}
