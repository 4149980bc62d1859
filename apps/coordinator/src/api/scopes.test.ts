import { ringmasterHome } from '@ringmaster/base';

import { permits, scopes, type JoinRequest, type Scope } from '@ringmaster/protocol';
import { eventually } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { readCredentials } from '../home/credentials.js';

import { Client } from '../fixtures/client.test.fixture.js';
import { servedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { FakeWorker } from '../fixtures/fake-worker.test.fixture.js';
import { exchange, requestText } from '../fixtures/socket.test.fixture.js';
import { version } from '../version.js';
import { operations, registration } from './routes.js';

const scene = servedCoordinator('--secure');
const tokens = new Map<Scope, { id: string; token: string }>();
beforeAll(async () => {
  for (const scope of scopes) tokens.set(scope, await scene.tokenOf(scope));
});
const tokenWith = (scope: Scope) => tokens.get(scope)?.token ?? '';

const concrete = (pattern: string) =>
  pattern.replace(/:(id|name)/, 'none').replace(':sha256', 'ab'.repeat(32));

/** What a route answers to a token, once it has been let past the judge: anything but these. */
const turnedAway = [401, 403];

describe('every route', () => {
  const cases = Object.entries(operations).flatMap(([route, { needs }]) =>
    scopes.map((scope) => [...route.split(' '), scope, permits([scope], needs), needs] as const),
  );

  it.each(cases as [string, string, Scope, boolean, string][])(
    '%s %s with the scope %s: %s',
    async (method, pattern, scope, isPermitted, need) => {
      // The end of the cluster is asked for in a way that is refused only after the judge.
      const target = concrete(pattern).replace('/shutdown', '/shutdown?saveSeconds=-1');
      const headers = { authorization: `Bearer ${tokenWith(scope)}` };
      const answer = await exchange(scene.url, requestText(method, target, headers));
      if (isPermitted) expect(turnedAway).not.toContain(answer.status);
      else {
        expect(answer.status).toBe(403);
        expect(JSON.parse(answer.body)).toMatchObject({ code: 'SCOPE_MISSING', detail: { need } });
      }
      expect(scene.endings).toBe(0);
    },
  );
});

describe('the control plane', () => {
  const workers: FakeWorker[] = [];
  afterAll(() => {
    for (const worker of workers) worker.vanish();
  });

  function register(token: string | null, keys: { public: string; secret: string }): FakeWorker {
    const curve = readCredentials(ringmasterHome(scene.home), false)?.curve;
    const { control } = scene.coordinator.file;
    const pid = 100 + workers.length;
    const server = curve?.serverPublic ?? '';
    const worker = new FakeWorker({ control, pid, token, keys: { server, ...keys } });
    workers.push(worker);
    return worker;
  }

  /** The pair that workers in the home have. */
  function homeKeys() {
    const curve = readCredentials(ringmasterHome(scene.home), false)?.curve;
    return { public: curve?.clientPublic ?? '', secret: curve?.clientSecret ?? '' };
  }

  it.each(scopes.map((scope) => [scope, permits([scope], registration.needs)] as const))(
    'takes a worker in with the scope %s: %s',
    async (scope, isPermitted) => {
      const worker = register(tokenWith(scope), homeKeys());
      const answer = await eventually('an answer', () => worker.heard[0]);
      if (isPermitted) expect(answer.type).toBe('registered');
      else expect(answer).toMatchObject({ type: 'refused', error: { code: 'SCOPE_MISSING' } });
    },
  );

  it.each([null, 'wrong', ''])('refuses the token %j', async (token) => {
    const worker = register(token, homeKeys());
    const answer = await eventually('an answer', () => worker.heard[0]);
    expect(answer).toMatchObject({ type: 'refused', error: { code: 'UNAUTHORIZED' } });
  });

  it('hears a machine that has joined, and nothing of it once its token is revoked', async () => {
    const { id, token } = await scene.tokenOf('join');
    const pair = curveKeyPair();
    const keys = { public: pair.publicKey, secret: pair.secretKey };
    const stranger = register(token, keys);
    const friend = register(scene.token, homeKeys());
    await eventually('a friend registered', () => friend.heard[0]);
    expect(stranger.heard).toEqual([]);
    stranger.vanish();
    const joined = await new Client(scene.url, token).json('POST', '/v1/join', {
      ...machine(),
      publicKey: pair.publicKey,
    });
    expect(joined).toMatchObject({ control: scene.coordinator.file.control });
    const member = register(token, keys);
    await eventually('registered', () => member.heard.some(({ type }) => type === 'registered'));

    const owner = new Client(scene.url, scene.token);
    expect((await owner.request('DELETE', `/v1/tokens/${id}`)).status).toBe(204);
    const refusal = await eventually('refused', () =>
      member.heard.find(({ type }) => type === 'refused'),
    );
    expect(refusal).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
    const views = await owner.json<{ id: string; state: string }[]>('GET', '/v1/workers');
    expect(views.find((view) => view.id === member.id)?.state).toBe('lost');
    expect((await new Client(scene.url, token).request('GET', '/v1/jobs')).status).toBe(401);
    const late = register(token, keys);
    const known = register(scene.token, homeKeys());
    await eventually('another registered', () => known.heard[0]);
    expect(late.heard).toEqual([]);
  });
});

function machine(): JoinRequest {
  const { publicKey } = curveKeyPair();
  return { version, host: 'node-2', processor: 'x64', time: Date.now(), publicKey };
}

describe('a machine that joins', () => {
  it('is told that it is of another version, whatever else that one says', async () => {
    const client = new Client(scene.url, tokenWith('join'));
    const answer = await client.json('POST', '/v1/join', { version: '0.0.1', name: 'node-2' });
    expect(answer).toMatchObject({ code: 'VERSION_MISMATCH' });
  });

  it.each([
    [{ version: '9.9.9' }, 'VERSION_MISMATCH', /version 9\.9\.9 cannot join .* version 0/],
    [{ processor: 'arm64 asimd' }, 'PROCESSOR_DIFFERS', /node-2 .*\(arm64 asimd\).*\(x64\)/],
    [{ time: Date.now() - 3_600_000 }, 'CLOCK_DIFFERS', /clock of node-2 is 36\d\d s behind/],
    [{ time: Date.now() + 3_600_000 }, 'CLOCK_DIFFERS', /clock of node-2 is 3[56]\d\d s ahead/],
  ])('is told in one line that it differs: %j', async (change, code, message) => {
    const client = new Client(scene.url, tokenWith('join'));
    const answer = await client.json('POST', '/v1/join', { ...machine(), ...change });
    expect(answer).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(answer['remedy']).toMatch(/\S/);
  });
});

describe('tokens', () => {
  const owner = () => new Client(scene.url, scene.token);

  it('are told once, and never again', async () => {
    const { id, token, join } = await scene.tokenOf('read', 'submit');
    const listed = await owner().json<{ id: string }[]>('GET', '/v1/tokens');
    expect(listed.find((each) => each.id === id)).toMatchObject({ scopes: ['read', 'submit'] });
    expect(JSON.stringify(listed)).not.toContain(token);
    expect(join).toMatch(/^rm1_/);
  });

  it('that are not there cannot be revoked, and neither can that of the home', async () => {
    for (const id of ['none', 'owner'])
      expect(await owner().json('DELETE', `/v1/tokens/${id}`)).toMatchObject({
        code: 'TOKEN_NOT_FOUND',
      });
  });
});
