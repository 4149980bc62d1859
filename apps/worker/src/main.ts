// node apps/worker/dist/main.js --home DIR --name worker-1 [--slots 1] [--threads 1] [--device cpu|gpu|gpu:N]
//   [--orphan-timeout 10s] [--leave-timeout 30s] [--leave-file FILE] [--cache-limit 20GB] [--memory 16GB] [--address IP] [--ring-ports A-B] [--joined]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  makeHomeDirectory,
  onEndingSignals,
  packageVersion,
  runsHere,
  type Home,
} from '@ringmaster/base';
import {
  readCoordinatorFile,
  readLine,
  readMembership,
  readToken,
} from '@ringmaster/base/home-files';
import { RingmasterError } from '@ringmaster/protocol';
import { processorKind } from '@ringmaster/tensorflow';
import { destination, pino } from 'pino';
import { z } from 'zod';
import { runAgent } from './agent/agent.js';
import { workerArguments, type WorkerArguments } from './agent/arguments.js';
import type { CurveKeys } from './agent/link.js';

const askedSchema = z.object({ leave: z.enum(['in order', 'at once']) });

const version = packageVersion(new URL('../package.json', import.meta.url));

/** What a worker is let in with, and where. */
interface Admission {
  readonly token: string | null;
  readonly keys: CurveKeys | null;
  /** A coordinator that was started again may have another; it is asked for at each attempt. */
  readonly endpoint: () => string | null;
  /** Whether the coordinator's process can be seen to exist, as one on this machine can. */
  readonly coordinatorExists: () => boolean;
}

/** As the home has it: of the cluster that runs there, or of one elsewhere that it has joined. */
function admissionOf(home: Home, isJoined: boolean): Admission {
  const membership = isJoined ? readMembership(home) : null;
  if (membership !== null) {
    const { serverKey, publicKey, secretKey, token, control } = membership;
    const keys = serverKey === null ? null : { serverKey, publicKey, secretKey };
    return { token, keys, endpoint: () => control, coordinatorExists: () => false };
  }
  return {
    token: readToken(home),
    keys: keysOf(home),
    endpoint: () => readCoordinatorFile(home)?.control ?? null,
    coordinatorExists: () => {
      const file = readCoordinatorFile(home);
      return file !== null && runsHere(file);
    },
  };
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

async function serve(given: WorkerArguments): Promise<void> {
  const { home, joined, leaveFile, ...options } = given;
  const log = pino(
    { base: { worker: options.name, pid: process.pid } },
    destination({ sync: true }),
  );
  // Asked once, the worker leaves in order; asked again, at once.
  const [leaving, abort] = [new AbortController(), new AbortController()];
  const leave = () => {
    leaving.abort();
  };
  onEndingSignals(leave, () => {
    abort.abort();
  });
  if (leaveFile !== null) whenThere(leaveFile, leave);
  if (process.send !== undefined)
    obeyParent(leave, () => {
      abort.abort();
    });
  const admission = admissionOf(home, joined);
  makeHomeDirectory(home.root);
  log.info({ version, control: admission.endpoint() }, 'worker started');
  const ending = await runAgent({
    ...options,
    version,
    ...admission,
    processor: processorKind(),
    cache: home.cache,
    program: fileURLToPath(new URL('./trainer/trainer.process.js', import.meta.url)),
    taskProgram: fileURLToPath(new URL('./preparation/tasks.process.js', import.meta.url)),
    log,
    leaving: leaving.signal,
    signal: abort.signal,
    onRegistered: (id) => {
      if (process.connected) process.send?.({ registered: id });
    },
  });
  log.info({ reason: ending.reason }, 'worker ended');
  if (ending.reason === 'closed') return;
  const { code, message, remedy } = ending.error;
  if (process.connected) process.send?.({ error: { code, message, remedy } });
  process.stderr.write(`ringmaster worker: ${ending.error.message}\n${ending.error.remedy}\n`);
  process.exitCode = ending.reason === 'orphaned' ? 3 : 1;
}

/** What a parent asks with messages may come with a signal as well, and is one request; without it nobody is left to ask. */
function obeyParent(inOrder: () => void, atOnce: () => void): void {
  process.on('message', (message) => {
    const { leave } = askedSchema.parse(message);
    (leave === 'in order' ? inOrder : atOnce)();
  });
  process.on('disconnect', inOrder);
  process.channel?.unref();
}

try {
  await serve(workerArguments(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof RingmasterError)) throw error;
  process.stderr.write(`ringmaster worker: ${error.code}: ${error.message}\n${error.remedy}\n`);
  process.exitCode = error.exit;
}
