import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { BINDING_PATH } from './compile.js';
import { checkManifest } from './manifest.js';
import { packageFolder, sourceHash } from './sources.js';
import type { Variant } from './wheels.js';

/** Whether TensorFlow can be loaded, and which build of it. */
export type Provisioned =
  | {
      readonly ready: true;
      /** TensorFlow's version. */
      readonly version: string;
      readonly variant: Variant;
      readonly platform: string;
      /** Folder of this build in the cache. */
      readonly folder: string;
      /** Real path of the compiled binding. */
      readonly binding: string;
    }
  | { readonly ready: false; readonly reason: string };

/** Where `@tensorflow/tfjs-node-gpu` looks for its binding. */
export function bindingLink(): string {
  return join(packageFolder(), 'lib/napi-v8/tfjs_binding.node');
}

/** Which TensorFlow this installation would load. Cheap: it compares sizes and hashes nothing. */
export function provisioned(): Provisioned {
  const link = bindingLink();
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
    return { ready: false, reason: 'TensorFlow has not been provisioned' };
  }
  let binding: string;
  try {
    binding = realpathSync(link);
  } catch {
    return { ready: false, reason: `${link} points to nothing: the cache was removed` };
  }
  const folder = binding.slice(0, -BINDING_PATH.length - 1);
  const manifest = checkManifest(folder);
  if ('reason' in manifest) return { ready: false, reason: manifest.reason };
  if (manifest.sources !== sourceHash())
    return { ready: false, reason: `${folder} was compiled from other sources than these` };
  return {
    ready: true,
    version: manifest.tensorflow,
    variant: manifest.variant,
    platform: manifest.platform,
    folder,
    binding,
  };
}
