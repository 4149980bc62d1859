import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canMountSmallDisk, SmallDisk } from '@ringmaster/base/testing';
import { parseJoinString } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../fixtures/client.test.fixture.js';
import { ServedCoordinator } from '../fixtures/coordinator.test.fixture.js';

describe.skipIf(!canMountSmallDisk())('a token to join with that lies on a mount', () => {
  const served = new ServedCoordinator();
  const keys = join(served.home, 'keys');
  let disk: SmallDisk;
  const remount = (mode: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${mode}`, keys]);
  const statusWith = async (token: string) =>
    (await new Client(served.url, token).request('GET', '/v1/jobs')).status;
  const joinToken = () => readFileSync(join(keys, 'join.token'), 'utf8').trim();

  beforeAll(async () => {
    disk = SmallDisk.mount(keys, 100);
    await served.start(['--secure']);
    remount('ro');
  });
  afterAll(async () => {
    await served.coordinator.shutDown(0);
    disk.unmount();
  });

  it('is revoked all the same, which is told with what to do, and stays so', async () => {
    const token = joinToken();
    expect(await statusWith(token)).toBe(200);
    const owner = new Client(served.url, served.token);
    expect(await owner.json('DELETE', '/v1/tokens/join')).toMatchObject({
      code: 'TOKEN_KEPT',
      message: expect.stringContaining(join(keys, 'join.token')) as string,
    });
    expect(await statusWith(token)).toBe(401);
    await served.coordinator.shutDown(0);
    await served.start(['--secure']);
    expect(joinToken()).toBe(token);
    expect(await statusWith(token)).toBe(401);
    expect(existsSync(join(served.home, 'join'))).toBe(false);
  });

  it('is replaced by another that is put there', async () => {
    await served.coordinator.shutDown(0);
    remount('rw');
    writeFileSync(join(keys, 'join.token'), 'one-that-is-put-in-its-place\n');
    remount('ro');
    await served.start(['--secure']);
    expect(await statusWith(joinToken())).toBe(200);
    const { token } = parseJoinString(readFileSync(join(served.home, 'join'), 'utf8'));
    expect(token).toBe(joinToken());
  });
});
