import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Home } from '@ringmaster/base';
import { SUPPORTED_NODE, supportsNode } from '@ringmaster/base/node-version';
import { cacheRoot, processor, provisioned } from '@ringmaster/tensorflow';
import { Dealer, Router } from 'zeromq';
import { homeUse, otherBuilds } from './disk-use.js';
import { reasonOf } from './failure.js';
import { formatBytes } from './output.js';

export { processorKind } from '@ringmaster/tensorflow';

/** What one check of this machine found. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it; null when it is well. */
  readonly remedy: string | null;
}

type Check = (home: Home) => Finding | Promise<Finding>;

const GIGABYTE = 1e9;
const ROUND_TRIP_MS = 5000;

const ok = (check: string, detail: string): Finding => ({
  check,
  state: 'ok',
  detail,
  remedy: null,
});
const warn = (check: string, detail: string, remedy: string): Finding => ({
  check,
  state: 'warn',
  detail,
  remedy,
});
const fail = (check: string, detail: string, remedy: string): Finding => ({
  check,
  state: 'fail',
  detail,
  remedy,
});

function node(): Finding {
  const { node: version } = process.versions;
  return supportsNode(version)
    ? ok('Node', version)
    : fail('Node', version, `Install Node ${SUPPORTED_NODE}.`);
}

function platform(): Finding {
  const name = `${process.platform}-${process.arch}`;
  return name === 'linux-x64' || name === 'linux-arm64'
    ? ok('platform', name)
    : fail('platform', name, 'Use 64-bit Linux, or a container on it.');
}

function instructions(): Finding {
  const { model, features } = processor();
  const detail = `${availableParallelism()} × ${model}, ${features.join(' ')}`;
  if (process.arch !== 'x64') return ok('processor', detail);
  if (!features.includes('avx')) {
    return fail(
      'processor',
      detail,
      'TensorFlow needs AVX: use another machine, or let the hypervisor pass it on.',
    );
  }
  return features.includes('avx2') && features.includes('fma')
    ? ok('processor', detail)
    : warn('processor', detail, 'Without AVX2 and FMA training is several times slower.');
}

function tensorflow(): Finding {
  const found = provisioned();
  return found.ready
    ? ok('TensorFlow', `${found.version} (${found.variant}) in ${found.folder}`)
    : fail('TensorFlow', found.reason, 'Fetch and build it with: npm run provision');
}

/** What provisioning needs; once it is done, only the next version of TensorFlow will. */
function tool(check: string, command: string, args: readonly string[], remedy: string): Finding {
  const { status, stdout, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  if (status === 0) return ok(check, stdout.split('\n')[0] ?? '');
  const detail =
    error === undefined ? `${command} ends with ${status ?? 'a signal'}` : reasonOf(error);
  return provisioned().ready ? warn(check, detail, remedy) : fail(check, detail, remedy);
}

async function loopback(): Promise<Finding> {
  try {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => {
          resolve(typeof address === 'object' && address !== null ? address.port : 0);
        });
      });
    });
    return ok('loopback', `127.0.0.1:${port} can be listened on`);
  } catch (error) {
    return fail(
      'loopback',
      reasonOf(error),
      'Let programs listen on 127.0.0.1 (firewall, sandbox).',
    );
  }
}

async function zeromq(): Promise<Finding> {
  const router = new Router({ linger: 0, receiveTimeout: ROUND_TRIP_MS });
  const dealer = new Dealer({ linger: 0, receiveTimeout: ROUND_TRIP_MS });
  try {
    await router.bind('tcp://127.0.0.1:*');
    dealer.connect(router.lastEndpoint ?? '');
    const started = performance.now();
    await dealer.send('ping');
    const [peer = Buffer.alloc(0)] = await router.receive();
    await router.send([peer, 'pong']);
    await dealer.receive();
    return ok('ZeroMQ', `round trip over tcp in ${(performance.now() - started).toFixed(1)} ms`);
  } catch (error) {
    const remedy = 'Let programs talk over 127.0.0.1 (firewall, sandbox), then try again.';
    return fail('ZeroMQ', reasonOf(error), remedy);
  } finally {
    router.close();
    dealer.close();
  }
}

/** Room where `directory` is or will be made. */
function space(check: string, directory: string, needed: number): Finding {
  let place = directory;
  while (!existsSync(place)) place = dirname(place);
  try {
    rmdirSync(mkdtempSync(join(place, '.ringmaster-')));
    const { bavail, bsize } = statfsSync(place);
    const free = bavail * bsize;
    const detail = `${formatBytes(free)} free in ${place}`;
    if (free >= needed) return ok(check, detail);
    const remedy = `Free space: ${formatBytes(needed)} are wanted there.`;
    return free < GIGABYTE / 4 ? fail(check, detail, remedy) : warn(check, detail, remedy);
  } catch (error) {
    return fail(check, reasonOf(error), 'Choose another directory, or mend its permissions.');
  }
}

/** Where provisioning writes; once it is done, only that of the next version of TensorFlow will. */
function cache(): Finding {
  const found = space('cache', cacheRoot(), 1.2 * GIGABYTE);
  return found.state === 'fail' && provisioned().ready ? { ...found, state: 'warn' } : found;
}

/** How much the home has grown to: it is the cluster's to say what of it is still needed. */
function homeSize(home: Home): Finding {
  const parts = Object.entries(homeUse(home));
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  const list = parts.map(([part, bytes]) => `${formatBytes(bytes)} ${part}`).join(', ');
  const detail = total === 0 ? 'nothing yet' : `${formatBytes(total)}: ${list}`;
  const { bavail, bsize } = statfsSync(total === 0 ? '/' : home.root);
  if (total <= bavail * bsize) return ok('home size', detail);
  return warn(
    'home size',
    detail,
    'It is more than is free: see what could go with ringmaster prune --dry-run, and ringmaster models.',
  );
}

/** Other installations may use them, so nobody but a user can say that they are in vain. */
function builds(): Finding {
  const others = otherBuilds();
  const total = others.reduce((sum, { bytes }) => sum + bytes, 0);
  if (others.length === 0) return ok('old builds', 'no build of TensorFlow but the one in use');
  const paths = others.map(({ path }) => path).join(' ');
  const detail = `${others.length} not used by this installation, ${formatBytes(total)}`;
  const remedy = `Unless another installation uses them: rm -r ${paths}`;
  return warn('old builds', detail, remedy);
}

function clock(): Finding {
  const path = join(tmpdir(), `ringmaster-clock-${process.pid}`);
  try {
    writeFileSync(path, '');
    const skew = Math.abs(statSync(path).mtimeMs - Date.now()) / 1000;
    const detail = `${new Date().toISOString()}, ${skew.toFixed(1)} s from the file system's`;
    if (new Date().getFullYear() >= 2025 && skew < 5) return ok('clock', detail);
    return warn(
      'clock',
      detail,
      'Set the clock (chrony, systemd-timesyncd); times in logs would mislead.',
    );
  } catch (error) {
    return fail('clock', reasonOf(error), 'Let TMPDIR name a directory that can be written.');
  } finally {
    rmSync(path, { force: true });
  }
}

function memory(): Finding {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const free = Math.min(freemem(), total);
  const detail = `${formatBytes(free)} free of ${formatBytes(total)}`;
  if (free >= 2 * GIGABYTE) return ok('memory', detail);
  return warn('memory', detail, 'A trainer takes about 1 GB and its model; run fewer workers.');
}

/** Where trainers of one host read each other's gradients. */
function sharedMemory(): Finding {
  const check = 'shared memory';
  const remedy =
    'Trainers here send gradients over sockets, which is slower; give a container more (docker run --shm-size=2g).';
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    const detail = `${formatBytes(bavail * bsize)} free in /dev/shm`;
    return bavail * bsize >= GIGABYTE / 2 ? ok(check, detail) : warn(check, detail, remedy);
  } catch (error) {
    return warn(check, reasonOf(error), remedy);
  }
}

const checks: readonly Check[] = [
  node,
  platform,
  instructions,
  tensorflow,
  () =>
    tool(
      'pip',
      'python3',
      ['-m', 'pip', '--version'],
      'Install it (Debian: apt install python3-pip).',
    ),
  () => tool('g++', 'g++', ['--version'], 'Install it (Debian: apt install g++).'),
  loopback,
  zeromq,
  (home) => space('home', home.root, 2 * GIGABYTE),
  homeSize,
  cache,
  builds,
  clock,
  memory,
  sharedMemory,
];

/** Looks at everything that a cluster on this machine needs. */
export async function checkMachine(home: Home): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) findings.push(await check(home));
  return findings;
}
