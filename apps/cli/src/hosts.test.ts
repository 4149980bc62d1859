import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { possible } from '@ringmaster/base/testing';
import { statusViewSchema } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ringmaster } from './run.test.fixture.js';

const SSHD = '/usr/sbin/sshd';
/** The server wants root for its own directory, and is part of openssh-server. */
const canServe = possible(
  existsSync(SSHD) && process.getuid?.() === 0,
  'Hosts over ssh are not tested: it takes openssh-server and the rights of root',
);
const main = fileURLToPath(new URL('../bin/ringmaster.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'ringmaster-hosts-'));
const cluster = join(root, 'cluster');
const bundle = join(root, 'bundle');
let server: ChildProcess | null = null;

const file = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(root, name), text, { mode });
  return join(root, name);
};

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

/** A bundle in form, whose one program is this clone's. */
function makeBundle(edition: string): void {
  mkdirSync(bundle, { recursive: true });
  file('bundle/SHA256SUMS', edition);
  file('bundle/ringmaster', `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, 0o755);
  file(
    'bundle/install',
    `#!/bin/sh\nset -eu\nmkdir -p "$1/bin"\ncp "$(dirname "$0")/ringmaster" "$1/bin/"\necho ${edition} >>"$1/editions"\n`,
    0o755,
  );
}

const up = (...hosts: string[]) => {
  const lines = hosts.map((host) => {
    const [name = '', workers = '1'] = host.split(':');
    const places = `home: ${join(root, name)}, directory: ${join(root, `${name}-installed`)}`;
    return `  - { host: ${name}, workers: ${workers}, ${places} }`;
  });
  const path = file('hosts.yaml', `bundle: bundle\nhosts:\n${lines.join('\n')}\n`);
  return ringmaster(['up', '--secure', '--workers', '0', '--hosts', path, '--home', cluster], {
    environment: { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
};

async function workers(): Promise<string[]> {
  const { stdout } = await ringmaster(['status', '--json', '--home', cluster]);
  const { workers: views } = statusViewSchema.parse(JSON.parse(stdout));
  return views.filter(({ state }) => state === 'alive').map(({ id }) => id);
}

const editions = (host: string) =>
  readFileSync(join(root, `${host}-installed`, 'editions'), 'utf8');

beforeAll(async () => {
  if (!canServe) return;
  const port = await freePort();
  for (const name of ['key', 'host-key'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, name)]);
  mkdirSync('/run/sshd', { recursive: true });
  const settings = file(
    'sshd_config',
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(root, 'host-key')}
AuthorizedKeysFile ${join(root, 'key.pub')}
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
`,
  );
  server = spawn(SSHD, ['-D', '-e', '-f', settings], { stdio: 'ignore' });
  const config = file(
    'config',
    `Host node-*
  HostName 127.0.0.1
  Port ${port}
  IdentityFile ${join(root, 'key')}
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
Host away
  HostName 127.0.0.1
  Port 1
`,
  );
  mkdirSync(join(root, 'bin'));
  // The user's own configuration: OpenSSH finds it in the directory of the account, whatever HOME says.
  file('bin/ssh', `#!/bin/sh\nexec /usr/bin/ssh -F ${config} "$@"\n`, 0o755);
  makeBundle('first');
  while (!(await answers(port))) await sleep(50);
}, 60_000);

afterAll(async () => {
  await ringmaster(['down', '--home', cluster], {
    environment: { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  server?.kill();
  rmSync(root, { recursive: true });
}, 120_000);

describe.skipIf(!canServe)('hosts over ssh (openssh-server, root)', { timeout: 300_000 }, () => {
  it('come and go as the file says, and end with the cluster', async () => {
    const first = await up('node-1:2', 'node-2');
    expect(first).toMatchObject({ exit: 0 });
    const before = await workers();
    expect(before).toHaveLength(3);

    expect(await up('node-1:2', 'node-2')).toMatchObject({ exit: 0 });
    expect((await workers()).sort()).toEqual(before.sort());

    expect(await up('node-1:2', 'node-3')).toMatchObject({ exit: 0 });
    const after = await workers();
    expect(after).toHaveLength(3);
    expect(after.filter((id) => before.includes(id))).toHaveLength(2);
    expect(existsSync(join(root, 'node-2', 'processes.json'))).toBe(false);

    makeBundle('second');
    const failing = await up('node-1:1', 'away');
    expect(failing).toMatchObject({ exit: 1 });
    expect(failing.stderr).toMatch(/^ringmaster: HOST_FAILED: away: .*\n {2}\S/m);
    expect(await workers()).toHaveLength(1);
    expect(editions('node-1')).toBe('first\nsecond\n');
    expect(editions('node-3')).toBe('first\n');

    expect(await up('node-1:1')).toMatchObject({ exit: 0 });
    const down = await ringmaster(['down', '--home', cluster], {
      environment: { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` },
    });
    expect(down.exit).toBe(0);
    for (const host of ['node-1', 'node-2', 'node-3'])
      expect(existsSync(join(root, host, 'processes.json'))).toBe(false);
  });
});
