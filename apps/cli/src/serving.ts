import { resolve } from 'node:path';
import { runModel } from './model-program.js';
import type { JsonOption } from './verb.js';

export interface ServeOptions extends JsonOption {
  readonly port: number;
  readonly host: string;
  readonly allowedHost?: readonly string[];
  readonly tokenFile?: string;
  readonly queue: number;
}

/** Serves a model over HTTP until this process is asked to end. */
export async function serve(model: string, options: ServeOptions): Promise<void> {
  const { port, host, allowedHost = [], tokenFile, queue, json } = options;
  await runModel(model, options, {
    program: 'serve/serve.process.js',
    settings: [
      `--host=${host}`,
      `--port=${port}`,
      `--queue=${queue}`,
      ...allowedHost.map((name) => `--allowed-host=${name}`),
      ...(tokenFile === undefined ? [] : [`--token-file=${resolve(tokenFile)}`]),
      ...(json === true ? ['--json'] : []),
    ],
    input: 'held',
  });
}
