import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasPrometheus } from './prometheus.js';
import { prometheusFolder } from './repository.js';

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    cwd: prometheusFolder,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
}

describe.skipIf(!hasPrometheus())('promtool', () => {
  it('finds the configuration and the rules valid', () => {
    promtool('check', 'config', 'prometheus.yml');
  });

  it('finds the configuration valid with a token', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringmaster-promtool-'));
    const path = join(folder, 'prometheus.yml');
    const given = readFileSync(join(prometheusFolder, 'prometheus.yml'), 'utf8');
    writeFileSync(path, given.replace('# authorization:', 'authorization:'));
    promtool('check', 'config', '--syntax-only', path);
    rmSync(folder, { recursive: true });
  });

  it('sees every rule do what its test says', () => {
    promtool('test', 'rules', 'rules.test.yml');
  });
});
