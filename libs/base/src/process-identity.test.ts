import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { processIdentitySchema } from '@ringmaster/protocol';
import { ownIdentity, runsHere, startTimeOf } from './process-identity.js';
import { canUnsharePids, NamespacedProcess } from './testing/index.js';

const MODULE = fileURLToPath(new URL('process-identity.js', import.meta.url));
/** Tells the identity of the process that runs it, and stays. */
const PROGRAM = `import('${MODULE}').then(({ ownIdentity }) => {
  process.stdout.write(JSON.stringify(ownIdentity()));
  setInterval(() => undefined, 1000);
});`;

async function identityIn(process: { child: ReturnType<typeof spawn> }) {
  const { stdout } = process.child;
  if (stdout === null) throw new Error('its output is not read');
  const [said] = (await once(stdout, 'data')) as [Buffer];
  return processIdentitySchema.parse(JSON.parse(said.toString()));
}

const started = (command: readonly string[]) => ({
  child: spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] }),
});
const node = [process.execPath, '-e', PROGRAM];

describe('the identity of a process', () => {
  it('is the one that others see, until it has ended', async () => {
    const one = started(node);
    const identity = await identityIn(one);
    expect(identity).toEqual({
      namespace: ownIdentity().namespace,
      pid: one.child.pid,
      startTime: startTimeOf(one.child.pid ?? 0),
    });
    expect(runsHere(identity)).toBe(true);
    expect(runsHere({ ...identity, startTime: identity.startTime - 1 })).toBe(false);
    one.child.kill('SIGKILL');
    await once(one.child, 'exit');
    expect(runsHere(identity)).toBe(false);
  });

  it.skipIf(!canUnsharePids())(
    'is another in another PID namespace, where ids are equal',
    async () => {
      const options = { stdio: ['ignore', 'pipe', 'inherit'] } as const;
      const both = [1, 2].map(
        () => new NamespacedProcess(node, { ...options, stdio: [...options.stdio] }),
      );
      const [one, other] = await Promise.all(both.map(identityIn));
      expect([one?.pid, other?.pid]).toEqual([1, 1]);
      expect(one?.namespace).not.toBe(other?.namespace);
      expect([one, other].map((identity) => identity !== undefined && runsHere(identity))).toEqual([
        false,
        false,
      ]);
      for (const { child } of both) child.kill('SIGKILL');
    },
  );

  it('is not that of the first process of all', () => {
    expect(runsHere({ ...ownIdentity(), pid: 1 })).toBe(false);
  });
});
