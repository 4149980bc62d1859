import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.looseObject({
  variant: z.enum(['cpu', 'gpu']),
  files: z.record(z.string(), z.looseObject({ bytes: z.int() })),
});

/**
 * What TensorFlow has open while it trains on a card, as `deploy/gpu/check` lists it, and what it looks for before it
 * registers one. The rest of NVIDIA's wheels, more than half of them, is for convolutions, collectives and compilers.
 */
const FOR_A_CARD = [
  /^tensorflow\//,
  /^nvidia\/cuda_runtime\//,
  /^nvidia\/cublas\/lib\/libcublas(Lt)?\.so/,
  /^nvidia\/cudnn\/lib\/libcudnn\.so/,
  /^nvidia\/(cufft|cusolver|cusparse)\/lib\/lib(cufft|cusolver|cusparse)\.so/,
  /^nvidia\/nvjitlink\//,
  /^nvidia\/cuda_nvcc\//,
];

/** The parts of a build of TensorFlow that travel, and its manifest with only those in it. */
export function runtimeOf(folder: string): { readonly files: string[]; readonly manifest: string } {
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')),
  );
  const isNeeded = (path: string) =>
    manifest.variant === 'cpu' || FOR_A_CARD.some((pattern) => pattern.test(path));
  const files = Object.fromEntries(
    Object.entries(manifest.files).filter(([path]) => isNeeded(path)),
  );
  return {
    files: Object.keys(files).sort(),
    manifest: `${JSON.stringify({ ...manifest, files }, null, 2)}\n`,
  };
}
