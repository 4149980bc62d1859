import { readFileSync } from 'node:fs';

/** The version of a package of ours. @param manifest Its package.json. */
export function packageVersion(manifest: URL): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return version;
}
