import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** The version of the npm package whose binding is compiled. */
const BINDING_VERSION = '4.22.0';

/** The folder of the npm package whose binding is compiled and linked. */
export function packageFolder(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

/** The folder of our own kernels. */
const KERNELS = fileURLToPath(new URL('../../native/', import.meta.url));

/** What g++ is given besides files and folders: the kernels sum in fixed orders, so nothing may reorder them. */
export const COMPILER_FLAGS: readonly string[] = [
  '-O3',
  '-std=c++17',
  '-shared',
  '-fPIC',
  '-fopenmp',
  '-w',
  '-DNAPI_VERSION=8',
];

/** Source files that are compiled into one library. */
export function sourceFiles(): string[] {
  const binding = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'];
  return [
    ...binding.map((file) => join(packageFolder(), file)),
    ...kernelFiles()
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(KERNELS, name)),
  ];
}

/** Twelve hexadecimal digits that change with anything that is compiled. */
export function sourceHash(): string {
  const hash = createHash('sha256').update(JSON.stringify([BINDING_VERSION, COMPILER_FLAGS]));
  for (const name of kernelFiles()) hash.update(name).update(readFileSync(join(KERNELS, name)));
  return hash.digest('hex').slice(0, 12);
}

function kernelFiles(): string[] {
  return readdirSync(KERNELS).sort();
}
