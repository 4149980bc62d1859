import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { possible } from '@ringmaster/base/testing';
import { temporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { deployed, isInstalled, repository } from './repository.js';

/** In tenths, as `security` takes it. */
const MOST_EXPOSED = 20;
const templates = readdirSync(deployed('systemd')).filter((name) => name.endsWith('.service'));

const canAnalyze = possible(
  isInstalled('systemd-analyze'),
  'The units of systemd are not tested: systemd-analyze is not installed',
);

describe.skipIf(!canAnalyze)('systemd', () => {
  const directory = temporaryDirectory();
  // Units as a machine has them, of the template an instance, with this repository where it has /opt/ringmaster.
  const units = templates.map((name) => {
    const text = readFileSync(deployed('systemd', name), 'utf8');
    const unit = join(directory, name.replace('@.', '@lab.'));
    const here = text.replaceAll('/opt/ringmaster/', `${repository}/`);
    for (const place of [unit, join(directory, name)]) writeFileSync(place, here);
    return unit;
  });
  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });

  it('is given a coordinator and a template of workers', () => {
    expect(units.map((unit) => basename(unit)).sort()).toEqual([
      'ringmaster-coordinator.service',
      'ringmaster-worker@lab.service',
    ]);
  });

  it.each(units)('has nothing to say against %s', (unit) => {
    const { status, stdout, stderr } = analyze('verify', '--man=no', unit);
    expect([status, stdout + stderr]).toEqual([0, '']);
  });

  it.each(units)('finds %s no more exposed than 2.0', (unit) => {
    const { status, stdout } = analyze(
      'security',
      '--offline=true',
      `--threshold=${MOST_EXPOSED}`,
      unit,
    );
    expect(status, stdout).toBe(0);
  });
});
