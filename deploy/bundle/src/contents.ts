import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), link: z.boolean().optional() }),
  ),
});

/** Folders of this repository whose packages run on a cluster. */
const WORKSPACES = ['apps', 'libs', 'deploy', 'test'];
/** Of each such package. `native` is compared with what TensorFlow's kernels were compiled from. */
const PARTS = ['package.json', 'bin', 'dist', 'native', 'check', 'peers'];

/** Names that no program reads: types, sources for debuggers, builds for browsers. */
export const LEFT_OUT = [
  '*.map',
  '*.d.ts',
  '*.d.mts',
  '*.d.cts',
  '*.tsbuildinfo',
  '*.min.js',
  '*.fesm2017*',
];

/** Paths, from the root of the repository, of all that a machine needs beside TensorFlow and Node. */
export function contents(root: string): string[] {
  return [
    ...modules(root),
    'node_modules/@ringmaster',
    ...packages(root),
    'deploy/slurm',
    'deploy/systemd',
    'docs/guides',
    'recipes',
    'package.json',
    'LICENSE',
  ];
}

/** The installed packages that are not for development alone, outermost folders only. */
function modules(root: string): string[] {
  const { packages: locked } = lockSchema.parse(
    JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')),
  );
  return Object.entries(locked)
    .filter(
      ([path, { dev, link }]) => path.startsWith('node_modules/') && dev !== true && link !== true,
    )
    .map(([path]) => path)
    .filter((path) => !path.slice('node_modules/'.length).includes('node_modules/'))
    .filter((path) => existsSync(join(root, path)));
}

function packages(root: string): string[] {
  return WORKSPACES.flatMap((workspace) =>
    readdirSync(join(root, workspace)).flatMap((name) =>
      [...PARTS, 'node_modules'].map((part) => join(workspace, name, part)),
    ),
  ).filter((path) => existsSync(join(root, path)));
}
