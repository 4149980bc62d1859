import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onEndingSignals, ringmasterHome } from '@ringmaster/base';
import { RingmasterError, type ModelView } from '@ringmaster/protocol';
import { isChatter, trainerEnvironment } from '@ringmaster/tensorflow';
import { Client } from './client.js';
import { locate, type ClusterOption } from './location.js';
import { describeModel, findModel, presentModel } from './names.js';
import { note } from './output.js';
import { programPath } from './program.js';

/** What a program that runs a model is started with. */
export interface ModelProgram {
  /** Its module, in `@ringmaster/worker/dist/predict`. */
  readonly program: string;
  readonly settings: readonly string[];
  /**
   * What it reads: a file that is open, our own stdin, or a text. Of `held` it reads nothing, and it ends when that is closed,
   * as it is when we are gone; it is passed the signals that ask us to end, and hears no others, of our terminal for example.
   */
  readonly input: number | 'inherit' | 'held' | { readonly text: string };
}

/** Runs a model in a process of its own, which writes to our stdout, and exits as it does. */
export async function runModel(
  model: string,
  options: ClusterOption,
  program: ModelProgram,
): Promise<void> {
  const home = ringmasterHome(options.home);
  const client = new Client(locate(options));
  const found = await findModel(client, model, '.');
  const which =
    found.type === 'directory'
      ? ['--model-directory', found.path]
      : await storedModel(client, presentModel(model, found), home.artifacts, home.cache);
  note(describeModel(model, found));
  await runBeside(which, client.token, program);
}

/**
 * Runs a program of models in a process of its own, as `runModel` does.
 * @param which Options that say what it opens.
 * @param token What it shows a coordinator; null for none.
 */
export async function runBeside(
  which: readonly string[],
  token: string | null,
  { program, settings, input }: ModelProgram,
): Promise<void> {
  const path = programPath(`@ringmaster/worker/dist/predict/${program}`);
  const child = spawn(process.execPath, [path, ...which, ...settings], {
    stdio: [typeof input === 'object' || input === 'held' ? 'pipe' : input, 'inherit', 'pipe'],
    detached: input === 'held',
    env: {
      ...trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
      ...(token === null ? {} : { RINGMASTER_TOKEN: token }),
    },
  });
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (typeof input === 'object') child.stdin?.on('error', () => undefined).end(input.text);
  // Passed on before the program listens for it, a signal ends it at once.
  const passedOn = new Set<NodeJS.Signals>();
  const passOn = (signal: NodeJS.Signals) => {
    if (child.kill(signal)) passedOn.add(signal);
  };
  if (input === 'held')
    onEndingSignals(
      () => {
        passOn('SIGTERM');
      },
      () => {
        passOn('SIGINT');
      },
    );
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!isChatter(line)) note(line);
    });
  }
  const [code, signal] = await exited;
  if (signal !== null && passedOn.has(signal)) return;
  if (code === null) throw new RingmasterError('PREDICTION_DIED', { signal: signal ?? 'a signal' });
  process.exitCode = code;
}

async function storedModel(
  client: Client,
  { id }: ModelView,
  directory: string,
  cache: string,
): Promise<string[]> {
  const { cluster } = await client.status();
  return [
    '--artifacts-url',
    client.url,
    '--artifacts-directory',
    directory,
    ...(client.fingerprint === null ? [] : ['--artifacts-fingerprint', client.fingerprint]),
    '--cluster',
    cluster,
    '--cache',
    cache,
    '--model',
    id,
  ];
}
