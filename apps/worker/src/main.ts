// node apps/worker/dist/main.js --home DIR --name worker-1 [--control tcp://HOST:PORT] [--slots 1] [--threads 1]
//   [--device cpu|gpu|gpu:N] [--orphan-timeout 10s] [--leave-timeout 30s] [--leave-file FILE]
//   [--address IP] [--ring-ports A-B]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  makeHomeDirectory,
  notifyServiceManager,
  onEndingSignals,
  packageVersion,
  readCoordinatorFile,
  readLine,
  readToken,
  type Home,
} from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { destination, pino } from 'pino';
import { runAgent } from './agent/agent.js';
import { workerArguments, type WorkerArguments } from './agent/arguments.js';
import type { CurveKeys } from './agent/link.js';

const version = packageVersion(new URL('../package.json', import.meta.url));

function tokenOf(home: Home): string | null {
  const given = process.env['RINGMASTER_TOKEN'] ?? '';
  return given === '' ? readToken(home) : given;
}

function keysOf(home: Home): CurveKeys | null {
  const serverKey = readLine(join(home.keys, 'server.public'));
  const publicKey = readLine(join(home.keys, 'client.public'));
  const secretKey = readLine(join(home.keys, 'client.secret'));
  if (serverKey === null || publicKey === null || secretKey === null) return null;
  return { serverKey, publicKey, secretKey };
}

/** How often is looked for the file that asks the worker to leave. Clouds give notice 30 s ahead, or more. */
const LOOK_MS = 500;

/** Calls `then` once there is such a file. Nothing waits for that alone. */
function whenThere(file: string, then: () => void): void {
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(timer);
    then();
  }, LOOK_MS);
  timer.unref();
}

async function serve({ home, control, leaveFile, ...options }: WorkerArguments): Promise<void> {
  const log = pino(
    { base: { worker: options.name, pid: process.pid } },
    destination({ sync: true }),
  );
  // Asked once, the worker leaves in order; asked again, at once.
  const [leaving, abort] = [new AbortController(), new AbortController()];
  const leave = () => {
    if (leaving.signal.aborted) return;
    notifyServiceManager('stopping');
    leaving.abort();
  };
  onEndingSignals(leave, () => {
    abort.abort();
  });
  if (leaveFile !== null) whenThere(leaveFile, leave);
  makeHomeDirectory(home.root);
  log.info({ version, control: control ?? home.coordinator }, 'worker started');
  const ending = await runAgent({
    ...options,
    version,
    // A coordinator that was started again may have another; it is asked for at each attempt.
    endpoint: () => control ?? readCoordinatorFile(home)?.control ?? null,
    token: tokenOf(home),
    keys: keysOf(home),
    cache: home.cache,
    program: fileURLToPath(new URL('./trainer/trainer.process.js', import.meta.url)),
    log,
    onRegistered: () => {
      notifyServiceManager('ready');
    },
    leaving: leaving.signal,
    signal: abort.signal,
  });
  log.info({ reason: ending.reason }, 'worker ended');
  if (ending.reason === 'closed') return;
  process.stderr.write(`ringmaster worker: ${ending.error.message}\n${ending.error.remedy}\n`);
  process.exitCode = ending.reason === 'orphaned' ? 3 : 1;
}

try {
  await serve(workerArguments(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof RingmasterError)) throw error;
  process.stderr.write(`ringmaster worker: ${error.code}: ${error.message}\n${error.remedy}\n`);
  process.exitCode = error.exit;
}
