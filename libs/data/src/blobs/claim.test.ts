import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimedSince, makeClaim } from './claim.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rm-claims-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const age = (name: string, seconds: number) => {
  utimesSync(join(root, 'claims', name), seconds, seconds);
};

describe('claims', () => {
  it('hold from the oldest on, until each is given up', () => {
    expect(claimedSince(root)).toBeNull();
    const giveUp = makeClaim(root);
    const [first = ''] = readdirSync(join(root, 'claims'));
    age(first, 1000);
    const giveUpToo = makeClaim(root);
    expect(claimedSince(root)).toBe(1_000_000);
    giveUp();
    expect(claimedSince(root)).toBeGreaterThan(1_000_000);
    giveUpToo();
    expect(claimedSince(root)).toBeNull();
  });

  it('hold no longer than their process, whoever has its number then', async () => {
    const module = JSON.stringify(fileURLToPath(new URL('./claim.js', import.meta.url)));
    const script = `import { makeClaim } from ${module};
      makeClaim(${JSON.stringify(root)}); console.log('claimed'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    expect(claimedSince(root)).not.toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(claimedSince(root)).toBeNull();
    expect(readdirSync(join(root, 'claims'))).toEqual([]);

    makeClaim(root);
    const [own = ''] = readdirSync(join(root, 'claims'));
    const [pid, startTime, ...rest] = own.split('-');
    renameSync(
      join(root, 'claims', own),
      join(root, 'claims', [pid, Number(startTime) - 1, ...rest].join('-')),
    );
    expect(claimedSince(root)).toBeNull();
  });

  it('of processes that cannot be looked for hold for a day', () => {
    makeClaim(root)();
    writeFileSync(join(root, 'claims', '1-1-elsewhere-00'), '');
    expect(claimedSince(root)).not.toBeNull();
    age('1-1-elsewhere-00', Date.now() / 1000 - 25 * 3600);
    expect(claimedSince(root)).toBeNull();
  });
});
