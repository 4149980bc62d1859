import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ringmasterHome } from '@ringmaster/protocol';
import { serves } from './processes.js';

let root = '';
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringmaster-processes-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** A process that stays, and its id once it runs. */
async function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const path = join(root, program);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "process.stdout.write('.'); setInterval(() => undefined, 1000);");
  const child = spawn(process.execPath, [path, ...args], {
    env,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

describe('a process serves a home', () => {
  const WORKER = 'worker/dist/main.js';
  const COORDINATOR = 'coordinator/dist/main.js';
  it.each([
    ['by an option', COORDINATOR, ['--home', '/a/cluster'], {}, true],
    ['by an option that goes before the variable', WORKER, ['--home', '/a/cluster'], 'b', true],
    ['by the variable', WORKER, [], 'a', true],
    ['by a path from where it runs', WORKER, ['--home', 'a/cluster'], {}, true],
    ['of another home', WORKER, ['--home', '/b/cluster'], 'a', false],
    ['of the default home', WORKER, [], {}, false],
    ['of another program', 'server/dist/main.js', ['--home', '/a/cluster'], 'a', false],
  ])('%s', async (_, program, args, variable, expected) => {
    const env = typeof variable === 'string' ? { RINGMASTER_HOME: `/${variable}/cluster` } : {};
    const pid = await start(program, args, env);
    expect(serves(pid, ringmasterHome('/a/cluster'))).toBe(expected);
  });

  it('no more when it has ended', () => {
    expect(serves(2 ** 22 + 1, ringmasterHome('/a/cluster'))).toBe(false);
  });

  it('not because it is the first process of all', () => {
    expect(serves(1, ringmasterHome('/a/cluster'))).toBe(false);
  });
});
