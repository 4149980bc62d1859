import { fileURLToPath } from 'node:url';

/** Absolute path of a file in the repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

export const prometheusFolder = inRepository('deploy/prometheus');
export const grafanaFolder = inRepository('deploy/grafana');
