import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const built = join(project, 'dist');

/** A file of the bundle and all that it loads before it begins. */
function closure(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(join(built, file), 'utf8');
  for (const [, next = ''] of text.matchAll(/^import [^;]*"\.\/([^"]+)";$/gm)) closure(next, found);
  return found;
}

/** Packages whose code is in a file of the bundle. */
function packagesIn(file: string): string[] {
  const text = readFileSync(join(built, file), 'utf8');
  return [...text.matchAll(/^\/\/#region \S*node_modules\/([^/]+)/gm)].map(([, name = '']) => name);
}

describe('the bundle', () => {
  it.each(['ringmaster.js', 'chunk-status.js', 'chunk-jobs.js', 'chunk-models.js'])(
    'has in %s no more than a quick answer needs',
    (file) => {
      const packages = new Set([...closure(file)].flatMap(packagesIn));
      packages.delete('commander');
      packages.delete('eventsource-parser');
      expect([...packages]).toEqual([]);
    },
  );

  it('has the same bytes whenever it is built', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ringmaster-bundle-'));
    try {
      execFileSync('npx', ['rolldown', '-c', '--dir', directory], { cwd: project, stdio: 'pipe' });
      const files = readdirSync(directory);
      expect(files).toContain('ringmaster.js');
      for (const file of files)
        expect(readFileSync(join(directory, file)).equals(readFileSync(join(built, file)))).toBe(
          true,
        );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
