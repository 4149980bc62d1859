import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endProcesses, identify, isRunning, withDescendants } from './processes.js';

const STAY = 'setInterval(() => undefined, 1000);';
/** A process that starts another and tells that one's id. */
const PARENT = `const child = require('child_process').spawn(process.execPath, ['-e', "${STAY}"]);
process.stdout.write(String(child.pid)); ${STAY}`;

describe('processes', () => {
  it('are found with what descends from them, and ended', async () => {
    const parent = spawn(process.execPath, ['-e', PARENT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const root = identify(parent.pid ?? 0);
    if (root === null) throw new Error('it has not started');
    const all = withDescendants([root]);
    expect(all.map(({ pid }) => pid).sort()).toEqual([root.pid, Number(said.toString())].sort());
    expect(await endProcesses(all, 5000)).toEqual([]);
    expect(all.filter(isRunning)).toEqual([]);
  });

  it('of an earlier time are not taken for those that have their ids now', () => {
    const self = identify(process.pid);
    if (self === null) throw new Error('this process does not run');
    const earlier = { ...self, startTime: self.startTime - 1 };
    expect(isRunning(self)).toBe(true);
    expect(isRunning(earlier)).toBe(false);
    expect(withDescendants([earlier])).toEqual([]);
  });
});
