import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileReason, ringmasterHome, systemCode } from '@ringmaster/base';
import { RingmasterError, type ModelView } from '@ringmaster/protocol';
import { isChatter, trainerEnvironment } from '@ringmaster/tensorflow';
import { Client } from './client.js';
import { reasonOf } from './failure.js';
import { locate, type ClusterOption } from './location.js';
import { describeModel, findModel, presentModel } from './names.js';
import { note } from './output.js';
import { programPath } from './program.js';

export interface PredictOptions extends ClusterOption {
  readonly input?: string;
  readonly logits?: true;
}

/** Runs a model in a process of its own, which writes its predictions to our stdout, and exits as it does. */
export async function predict(model: string, options: PredictOptions): Promise<void> {
  const home = ringmasterHome(options.home);
  const file = options.input === undefined ? null : openInput(options.input);
  const client = new Client(locate(options));
  const found = await findModel(client, model, '.');
  const which =
    found.type === 'directory'
      ? ['--model-directory', found.path]
      : await storedModel(client, presentModel(model, found), home.artifacts, home.cache);
  note(describeModel(model, found));
  const program = programPath('@ringmaster/worker/dist/predict/predict.process.js');
  const settings = [
    ...(options.logits === true ? ['--logits'] : []),
    // What is typed or piped may be plain text; a file has one form.
    ...(file === null ? ['--plain'] : []),
  ];
  const { token } = client;
  const child = spawn(process.execPath, [program, ...which, ...settings], {
    stdio: [file ?? 'inherit', 'inherit', 'pipe'],
    env: {
      ...trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
      ...(token === null ? {} : { RINGMASTER_TOKEN: token }),
    },
  });
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!isChatter(line)) note(line);
    });
  }
  const [code, signal] = await exited;
  if (code === null) throw new RingmasterError('PREDICTION_DIED', { signal: signal ?? 'a signal' });
  process.exitCode = code;
}

/** @throws USAGE when it is no file that can be read */
function openInput(path: string): number {
  const usage = (why: string, cause?: unknown) =>
    new RingmasterError('USAGE', { reason: `--input ${path} cannot be read: ${why}` }, { cause });
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const why = systemCode(cause) === 'ENOENT' ? 'it does not exist' : fileReason(cause);
    throw usage(why ?? reasonOf(cause), cause);
  }
  if (fstatSync(file).isDirectory()) throw usage('it is a directory');
  return file;
}

async function storedModel(
  client: Client,
  { id }: ModelView,
  directory: string,
  cache: string,
): Promise<string[]> {
  const { cluster } = await client.status();
  return [
    ...['--artifacts-url', client.url, '--artifacts-directory', directory],
    ...(client.fingerprint === null ? [] : ['--artifacts-fingerprint', client.fingerprint]),
    ...['--cluster', cluster, '--cache', cache, '--model', id],
  ];
}
