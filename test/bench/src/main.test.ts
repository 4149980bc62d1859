import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./main.js', import.meta.url));

function bench(...args: string[]) {
  const environment = { ...process.env, RINGMASTER_PEER_PYTHON: '/nope/python' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: environment,
  });
  return { status, stdout, stderr };
}

describe('npm run bench', () => {
  it('has help', () => {
    expect(bench('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('npm run bench -- NAME') as string,
    });
  });

  it.each([[['frob']], [[]], [['ring', '--steps', 'x']], [['ring', '--nope']]])(
    'explains what is wrong with %j',
    (args) => {
      const { status, stderr } = bench(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^ringmaster: USAGE: [^\n]*\n {2}[^\n]*npm run bench -- --help\n$/);
    },
  );

  it.each(['ring', 'train', 'data', 'hosts'])(
    '%s says at once what is missing to compare with',
    (name) => {
      const { status, stdout, stderr } = bench(name, '--rounds', '1', '--steps', '1');
      expect(stdout).toBe('');
      expect(status).toBe(4);
      expect(stderr).toMatch(
        /^ringmaster: NOT_FOUND: \/nope\/python does not exist\n {2}.*setup.*\.sh$/m,
      );
      expect(stderr).not.toMatch(/^ {4}at /m);
    },
  );
});
