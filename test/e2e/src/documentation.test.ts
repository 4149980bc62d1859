import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJobFile } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellBlocks } from './shell-blocks.test.fixture.js';

const clone = fileURLToPath(new URL('../../..', import.meta.url));
const guides = (await readdir(join(clone, 'docs/guides'), { recursive: true }))
  .filter((path) => path.endsWith('.md'))
  .sort();
const pages = await Promise.all(
  ['README.md', ...guides.map((name) => `docs/guides/${name}`)].map(async (path) => ({
    path,
    blocks: shellBlocks(await readFile(join(clone, path), 'utf8')),
  })),
);
const blocks = pages.flatMap(({ path, blocks: found }) =>
  found.map((block) => ({ path, first: block.commands.split('\n')[0] ?? '', ...block })),
);

/** A folder that is empty but for what a clone has there, with recipes that are made in seconds. */
let folder: string;

/** Runs commands in the folder as a user with a home of their own would. */
async function shell(commands: string): Promise<{ exit: number | null; output: string }> {
  const { RINGMASTER_HOME: _, RINGMASTER_CACHE: cache, ...environment } = process.env;
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      HOME: join(folder, 'user'),
      RINGMASTER_CACHE: cache ?? join(homedir(), '.cache', 'ringmaster'),
      npm_config_update_notifier: 'false',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exit, output };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmaster-pages-'));
  for (const directory of ['user', 'recipes']) await mkdir(join(folder, directory));
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await symlink(join(clone, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(clone, 'deploy/prometheus'), join(folder, 'deploy/prometheus'), {
    recursive: true,
  });
  const rows = Array.from({ length: 120 }, (_, at) =>
    at % 3 === 0 ? `you have won prize ${at} of lottery,spam` : `note ${at} about item ${at},ham`,
  );
  await writeFile(join(folder, 'recipes/mails.csv'), `text,label\n${rows.join('\n')}\n`);
  for (const name of await readdir(join(clone, 'recipes'))) {
    const recipe = readJobFile(await readFile(join(clone, 'recipes', name), 'utf8'), name) as {
      kind: string;
    };
    const small = {
      ...recipe,
      data: { files: 'mails.csv', test: 0.2 },
      ...('model' in recipe
        ? {
            model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
            tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
          }
        : {}),
      ...(recipe.kind === 'pretrain' ? { steps: 600 } : { epochs: 2 }),
    };
    await writeFile(join(folder, 'recipes', name), JSON.stringify(small));
  }
});

afterAll(async () => {
  await shell('npx ringmaster down');
  await rm(folder, { recursive: true, force: true });
});

describe('the commands of the pages', () => {
  it.each(blocks.filter(({ notRun }) => notRun === null))(
    '$path: $first …',
    async ({ commands }) => {
      // Pages but the first take for granted that a cluster runs.
      const before = commands.includes('ringmaster up') ? '' : 'npx ringmaster up\n';
      const { exit, output } = await shell(before + commands);
      expect(output).not.toMatch(/^ringmaster: [A-Z_]+:/m);
      expect(exit, output).toBe(0);
    },
  );

  it('that are not run say why, and are these', () => {
    const passedOver = blocks.filter(({ notRun }) => notRun !== null);
    expect(passedOver.map(({ path, first }) => [path, first.split(' ')[0]])).toEqual([
      ['README.md', 'npm'],
      ['docs/guides/deploy/containers.md', 'podman'],
      ['docs/guides/deploy/containers.md', 'mkdir'],
      ['docs/guides/deploy/containers.md', 'podman-compose'],
      ['docs/guides/deploy/kubernetes.md', 'kubectl'],
      ['docs/guides/deploy/kubernetes.md', 'helm'],
      ['docs/guides/deploy/kubernetes.md', 'helm'],
      ['docs/guides/deploy/slurm.md', 'export'],
      ['docs/guides/deploy/slurm.md', 'until'],
      ['docs/guides/deploy/slurm.md', 'scancel'],
      ...Array<string[]>(5).fill(['docs/guides/deploy/systemd.md', '#']),
      ['docs/guides/hosts.md', 'npx'],
      ['docs/guides/hosts.md', 'npx'],
      ['docs/guides/monitoring.md', 'prometheus'],
      ['docs/guides/monitoring.md', 'export'],
      ['docs/guides/offline.md', 'npm'],
      ['docs/guides/offline.md', './install'],
      ['docs/guides/offline.md', '~/ringmaster/deploy/gpu/check'],
      ['docs/guides/security.md', 'npx'],
      ['docs/guides/storage.md', 'npx'],
    ]);
  });
});
