import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ringmasterHome } from '@ringmaster/base';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import { parseJoinString, statusViewSchema } from '@ringmaster/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from './authority.test.fixture.js';
import { readRecords } from './cluster/records.js';
import { isRunning } from './processes.js';
import { ringmaster } from './run.test.fixture.js';

const main = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'ringmaster-join-'));
const cluster = join(root, 'cluster');
let string = '';
let homes = 0;
const children: ChildProcess[] = [];

async function workers(home = cluster) {
  const { stdout } = await ringmaster(['status', '--json', '--home', home]);
  return statusViewSchema
    .parse(JSON.parse(stdout))
    .workers.filter(({ state }) => state === 'alive');
}

const freshHome = () => join(root, `host-${homes++}`);

/** Joins in the foreground, by a join string or an address. */
function startJoin(entrance: string, options: readonly string[], token?: string) {
  const child = spawn(process.execPath, [main, 'join', entrance, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RINGMASTER_TOKEN: token },
  });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const says = (what: string) => expect.poll(() => stderr, { timeout: 60_000 }).toContain(what);
  return { child, ended, says, told: () => stderr, printed: () => stdout };
}

/** The same, once its workers are taken in. */
async function joining(home: string, ...options: string[]) {
  const process = startJoin(string, ['--home', home, ...options]);
  await process.says('Joined');
  return process;
}

beforeAll(async () => {
  const up = await ringmaster(['up', '--secure', '--workers', '0', '--json', '--home', cluster]);
  const printed = JSON.parse(up.stdout) as { url: string; join: string };
  string = printed.join;
  expect(string).toMatch(/^rm1_/);
}, 60_000);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await ringmaster(['down', '--home', cluster]);
  rmSync(root, { recursive: true });
}, 60_000);

describe('a machine that joins', { timeout: 120_000 }, () => {
  it('computes from a home of its own until a signal asks it to leave', async () => {
    const home = freshHome();
    const { child, ended } = await joining(home, '--workers', '2', '--threads', '3');
    expect((await workers()).map(({ threads }) => threads)).toEqual([3, 3]);
    // What it knows of the cluster is enough to see it.
    expect(await workers(home)).toHaveLength(2);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(await workers()).toEqual([]);
    expect(existsSync(ringmasterHome(home).membership)).toBe(false);
  });

  it('joins by an address and a token, with slots, prints what is logged, and leaves once there is a file', async () => {
    const { url, token } = parseJoinString(string);
    const [home, notice] = [freshHome(), join(root, 'notice')];
    const options = ['--slots', '2', '--print-logs', '--leave-file', notice, '--home', home];
    const { ended, says, printed } = startJoin(url, options, token);
    await says('Joined');
    expect((await workers()).map(({ slots }) => slots)).toEqual([2]);
    const lines = printed().trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('registered');
    expect(readdirSync(ringmasterHome(home).logs)).toEqual([]);
    writeFileSync(notice, '');
    expect(await ended).toBe(0);
    expect(await workers()).toEqual([]);
  });

  it.each([
    [['--device', 'gpu'], 1, 'MACHINE_UNFIT'],
    [['--slots', '2', '--workers', '2', '--ring-ports', '41000-41014'], 2, 'USAGE: .* takes 16'],
  ])('with %j is told what is missing before it registers', async (options, exit, message) => {
    const outcome = await ringmaster(['join', string, '--home', freshHome(), ...options]);
    expect(outcome.exit).toBe(exit);
    expect(outcome.stderr).toMatch(new RegExp(`^ringmaster: ${message}.*\\n {2}\\S`, 'm'));
  });

  it('starts a worker again that is killed', async () => {
    const { child, ended } = await joining(freshHome());
    const [before] = await workers();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await expect
      .poll(async () => (await workers()).some(({ id }) => id !== before?.id), { timeout: 60_000 })
      .toBe(true);
    child.kill('SIGHUP');
    expect(await ended).toBe(0);
  });

  it('goes on with a coordinator that is started again, which takes no other ports', async () => {
    const { child, ended } = await joining(freshHome());
    const before = await workers();
    const up = () => ringmaster(['up', '--workers', '0', '--json', '--home', cluster]);
    const coordinator = readCoordinatorFile(ringmasterHome(cluster));
    if (coordinator === null) throw new Error('no coordinator runs');
    process.kill(coordinator.pid, 'SIGKILL');
    await expect.poll(() => isRunning(coordinator)).toBe(false);
    const later = startJoin(string, ['--home', freshHome()]);
    const never = startJoin(string, ['--home', freshHome()]);
    for (const { says } of [later, never]) await says('it is waited for');
    never.child.kill('SIGTERM');
    expect(await never.ended).toBe(0);
    const vain = await ringmaster([
      'join',
      string,
      '--home',
      freshHome(),
      '--orphan-timeout',
      '1s',
    ]);
    expect(vain).toMatchObject({ exit: 3 });
    const [, port = ''] = /:(\d+)$/.exec(coordinator.control) ?? [];
    const other = createServer();
    // Whatever took the port as it became free gives it back soon.
    await expect
      .poll(
        () => {
          other.listen(Number(port), '127.0.0.1');
          return once(other, 'listening').then(
            () => true,
            () => false,
          );
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    expect((await up()).stderr).toMatch(/^ringmaster: PORT_IN_USE: Port \d+ .*\n {2}.*join anew/m);
    other.close();
    const again = await up();
    expect(JSON.parse(again.stdout)).toMatchObject({ join: string });
    await later.says('Joined');
    await expect
      .poll(async () => (await workers()).map(({ id }) => id), { timeout: 60_000 })
      .toContain(before[0]?.id);
    for (const each of [child, later.child]) each.kill('SIGTERM');
    expect(await Promise.all([ended, later.ended])).toEqual([0, 0]);
  });

  it('leaves no worker behind when it is killed itself', async () => {
    const { child, ended } = await joining(freshHome());
    child.kill('SIGKILL');
    await ended;
    await expect.poll(workers, { timeout: 60_000 }).toEqual([]);
  });

  it('goes to the background once, and is ended by its home', async () => {
    const home = freshHome();
    const detached = () => ringmaster(['join', '-', '--detach', '--home', home], { input: string });
    expect(await detached()).toMatchObject({ exit: 0 });
    const records = readRecords(ringmasterHome(home));
    expect(records.map(({ name }) => name)).toEqual(['join']);
    expect(JSON.stringify(records)).not.toContain(string.slice(4, 40));
    expect(await detached()).toMatchObject({ exit: 0, stderr: 'It runs already.\n' });
    expect(await workers()).toHaveLength(1);
    expect((await ringmaster(['down', '--home', home])).exit).toBe(0);
    expect(records.filter(isRunning)).toEqual([]);
    expect(await workers()).toEqual([]);
  });

  it('is ended by the end of its token', async () => {
    const made = await ringmaster([
      'token',
      'create',
      'lent',
      '--scope',
      'join',
      '--json',
      '--home',
      cluster,
    ]);
    const lent = JSON.parse(made.stdout) as { id: string; join: string };
    const [own, home] = [string, freshHome()];
    string = lent.join;
    const { ended, told } = await joining(home);
    string = own;
    expect((await ringmaster(['token', 'revoke', lent.id, '--home', cluster])).exit).toBe(0);
    expect(await ended).toBe(1);
    expect(told()).toMatch(/^ringmaster: UNAUTHORIZED: .*revoked/m);
    const again = await ringmaster(['join', lent.join, '--home', home]);
    expect(again).toMatchObject({ exit: 1 });
    expect(again.stderr).toMatch(/^ringmaster: UNAUTHORIZED/);
  });

  it.each([
    ['cut short', () => string.slice(0, -5), 2, 'JOIN_STRING_INVALID: .*end is missing'],
    ['of nobody', () => 'hello', 2, 'JOIN_STRING_INVALID: '],
  ])('with a string %s is told so, and nothing is made', async (_, text, exit, message) => {
    const home = freshHome();
    const outcome = await ringmaster(['join', text(), '--home', home]);
    expect(outcome.exit).toBe(exit);
    expect(outcome.stderr).toMatch(new RegExp(`^ringmaster: ${message}.*\\n {2}\\S`));
    expect(existsSync(home)).toBe(false);
  });

  it('does not take the home of a coordinator', async () => {
    const outcome = await ringmaster(['join', string, '--home', cluster]);
    expect(outcome).toMatchObject({ exit: 2 });
    expect(outcome.stderr).toMatch(/^ringmaster: HOME_IN_USE/);
  });

  it('knows a certificate of an authority by its name, and the one that takes its place', async () => {
    const home = join(root, 'vouched');
    const authority = new Authority(mkdtempSync(join(root, 'authority-')));
    const environment = { NODE_EXTRA_CA_CERTS: authority.certificate };
    const up = (files: { cert: string; key: string }) =>
      ringmaster(
        [
          'up',
          '--secure',
          '--workers',
          '0',
          '--json',
          '--home',
          home,
          '--advertise',
          'localhost',
          '--tls-cert',
          files.cert,
          '--tls-key',
          files.key,
        ],
        { environment },
      );
    const { url, join: vouched } = JSON.parse((await up(authority.issue('localhost'))).stdout) as {
      url: string;
      join: string;
    };
    expect(url).toMatch(/^https:\/\/localhost:\d+$/);
    expect(parseJoinString(vouched)).toMatchObject({ url, fingerprint: null });
    const stranger = await ringmaster(['join', vouched, '--home', freshHome()]);
    expect(stranger.stderr).toMatch(/^ringmaster: CERTIFICATE_REFUSED/m);

    const detached = await ringmaster(['join', '-', '--detach', '--home', freshHome()], {
      input: vouched,
      environment,
    });
    expect(detached).toMatchObject({ exit: 0 });
    expect((await ringmaster(['down', '--home', home], { environment })).exit).toBe(0);
    const renewed = await up(authority.issue('localhost'));
    expect(JSON.parse(renewed.stdout)).toEqual(expect.objectContaining({ url, join: vouched }));
    expect((await ringmaster(['down', '--home', home], { environment })).exit).toBe(0);
    const wrong = await up(authority.issue('elsewhere.example'));
    expect(wrong.stderr).toMatch(/^ringmaster: CERTIFICATE_UNUSABLE: .*not for localhost/m);
  });

  it('ends well when the cluster ends', async () => {
    const other = join(root, 'other');
    const up = await ringmaster(['up', '--secure', '--workers', '0', '--json', '--home', other]);
    const own = string;
    string = (JSON.parse(up.stdout) as { join: string }).join;
    const { ended } = await joining(freshHome());
    string = own;
    expect((await ringmaster(['down', '--home', other])).exit).toBe(0);
    expect(await ended).toBe(0);
    expect(existsSync(ringmasterHome(other).join)).toBe(false);
    expect(readFileSync(join(other, 'keys', 'join.token'), 'utf8')).toMatch(/\S{20}/);
  });
});
