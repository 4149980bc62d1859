import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { trainerEnvironment } from '@ringmaster/model';
import { RingmasterError, ringmasterHome } from '@ringmaster/protocol';
import { Client } from './client.js';
import { isModelDirectory } from './job-paths.js';
import { programPath } from './program.js';
import type { HomeOption } from './verb.js';

export interface PredictOptions extends HomeOption {
  readonly input?: string;
  readonly logits?: true;
}

/** What TensorFlow writes as it loads, before its log level is in force. */
const chatter =
  /^(WARNING: All log messages before absl::InitializeLog|I\d{4} .*oneDNN custom operations)/;

/** Runs a model in a process of its own, which writes its predictions to our stdout, and exits as it does. */
export async function predict(model: string, options: PredictOptions): Promise<void> {
  const home = ringmasterHome(options.home);
  if (options.input !== undefined && !existsSync(options.input)) {
    throw new RingmasterError('USAGE', { reason: `${options.input} does not exist` });
  }
  const client = new Client(home);
  const which = isModelDirectory(model)
    ? ['--model-directory', resolve(model)]
    : await storedModel(client, model, home.artifacts, join(home.root, 'cache'));
  const program = programPath('@ringmaster/worker/dist/predict/main.js');
  const logits = options.logits === true ? ['--logits'] : [];
  const { token } = client;
  const child = spawn(process.execPath, [program, ...which, ...logits], {
    stdio: ['pipe', 'inherit', 'pipe'],
    env: {
      ...trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
      ...(token === null ? {} : { RINGMASTER_TOKEN: token }),
    },
  });
  const exited = once(child, 'close') as Promise<[number | null]>;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!chatter.test(line)) process.stderr.write(`${line}\n`);
  });
  const lines =
    options.input === undefined
      ? Readable.from(asJson(process.stdin))
      : createReadStream(options.input);
  // A child that refuses its input closes it early; why, it says itself.
  await pipeline(lines, child.stdin).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  const [code] = await exited;
  process.stdin.destroy();
  process.exitCode = code ?? 1;
}

async function storedModel(client: Client, model: string, directory: string, cache: string) {
  const { id } = await client.model(model);
  const { cluster } = await client.status();
  return [
    ...['--artifacts-url', client.url, '--artifacts-directory', directory],
    ...['--cluster', cluster, '--cache', cache, '--model', id],
  ];
}

/** Lines of text as JSON; those that are JSON objects stay as they are. */
async function* asJson(input: Readable): AsyncGenerator<string> {
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    yield `${isJsonObject(line) ? line : JSON.stringify({ text: line })}\n`;
  }
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
