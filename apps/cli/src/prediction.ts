import { fstatSync, openSync } from 'node:fs';
import { fileReason, systemCode } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { reasonOf } from './failure.js';
import type { ClusterOption } from './location.js';
import { runModel } from './model-program.js';

export interface PredictOptions extends ClusterOption {
  readonly input?: string;
  readonly logits?: true;
}

/** Has a model write its predictions to our stdout. */
export async function predict(model: string, options: PredictOptions): Promise<void> {
  const file = options.input === undefined ? null : openInput(options.input);
  const settings = [
    ...(options.logits === true ? ['--logits'] : []),
    // What is typed or piped may be plain text; a file has one form.
    ...(file === null ? ['--plain'] : []),
  ];
  const program = 'predict.process.js';
  await runModel(model, options, { program, settings, input: file ?? 'inherit' });
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
