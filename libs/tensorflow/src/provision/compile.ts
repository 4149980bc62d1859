import { createRequire } from 'node:module';
import { join } from 'node:path';

import { RingmasterError } from '@ringmaster/protocol';

import { COMPILER_FLAGS, packageFolder, sourceFiles } from './sources.js';
import { runTool } from './tool.js';

const require = createRequire(import.meta.url);

/** The path of the binding inside a build's folder: beside the libraries, so that `$ORIGIN` finds them. */
export const BINDING_PATH = 'tensorflow/tfjs_binding.node';

/**
 * Compiles the binding of `@tensorflow/tfjs-node-gpu`, and our kernels with it, against the headers and libraries that
 * lie under `folder`.
 *
 * @throws TENSORFLOW_COMPILER_MISSING, TENSORFLOW_COMPILE_FAILED
 */
export async function compileBinding(folder: string, signal?: AbortSignal): Promise<void> {
  const { include_dir: nodeHeaders } = require('node-api-headers') as { include_dir: string };
  const { code, output } = await runTool(
    'g++',
    [
      ...COMPILER_FLAGS,
      `-I${nodeHeaders}`,
      `-I${packageFolder()}`,
      `-I${join(folder, 'tensorflow/include')}`,
      ...sourceFiles(),
      '-o',
      join(folder, BINDING_PATH),
      `-L${join(folder, 'tensorflow')}`,
      '-l:libtensorflow_cc.so.2',
      '-l:libtensorflow_framework.so.2',
      '-Wl,-rpath,$ORIGIN',
    ],
    {
      // The compiler's temporary files stay in the cache too.
      env: { ...process.env, TMPDIR: folder },
      ...(signal === undefined ? {} : { signal }),
    },
  );
  if (code === 127) throw new RingmasterError('TENSORFLOW_COMPILER_MISSING', {});
  if (code !== 0) {
    const reason =
      output.split('\n').find((line) => line.includes('error')) ?? `g++ exited with ${code}`;
    throw new RingmasterError('TENSORFLOW_COMPILE_FAILED', { reason });
  }
}
