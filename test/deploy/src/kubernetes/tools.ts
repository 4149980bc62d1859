import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '@ringmaster/tensorflow';

/** A program or directory that test/deploy/tools has put into the cache; null where it has not. */
function cached(path: string): string | null {
  const place = join(cacheRoot(), 'tools', path);
  return existsSync(place) ? place : null;
}

/** Of tools/install.sh. */
export const helm = cached('helm-2.2.2/helm');
/** Directory of Python modules, of tools/install.sh. */
export const kubernetesValidate = cached('kubernetes-validate-1.37.0');
/** Directory of a real API server, of tools/kubernetes-build.sh. */
export const apiServer = cached('kube-apiserver-1.34.4');
export const KUBERNETES = '1.34.4';
