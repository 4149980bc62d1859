import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity } from '@ringmaster/base';
import { isFinal, type IncidentView, type JobView, type StepPoint } from '@ringmaster/protocol';
import { eventually, isAlive, withTemporaryDirectory } from '@ringmaster/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from './fixtures/client.test.fixture.js';
import {
  CoordinatorProcess,
  endCoordinators,
} from './fixtures/coordinator-process.test.fixture.js';
import { stateHashAt } from './fixtures/fake-trainer.test.fixture.js';
import { FakeWorker } from './fixtures/fake-worker.test.fixture.js';
import { pretrainSpec, smallCorpus } from './fixtures/job-files.test.fixture.js';

afterEach(endCoordinators);

describe('starting', () => {
  it('refuses a second coordinator on one home, and takes over from a killed one', () =>
    withTemporaryDirectory(async (home) => {
      const first = await CoordinatorProcess.start(home);
      const second = await CoordinatorProcess.refused(home);
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(
        /^COORDINATOR_RUNNING: A coordinator already runs at http:.*\n$/,
      );
      expect(second.stderr).toContain(first.file.url);
      await first.kill();
      const third = await CoordinatorProcess.start(home);
      expect(third.file.cluster).toBe(first.file.cluster);
      expect(third.file).toMatchObject({ url: first.file.url, control: first.file.control });
      expect(await third.kill('SIGTERM')).toBe(0);
      expect(readdirSync(home)).not.toContain('coordinator.json');
    }));

  it('is not confused by the file of another living process', () =>
    withTemporaryDirectory(async (home) => {
      const stale = { cluster: 'c', ...ownIdentity(), url: 'http://x', control: 'tcp://x' };
      writeFileSync(join(home, 'coordinator.json'), JSON.stringify(stale));
      const coordinator = await CoordinatorProcess.start(home);
      await coordinator.kill('SIGINT');
    }));

  it.each([
    ['a port in use', ['--port', '{busy}'], 1, 'PORT_IN_USE'],
    ['a control port in use', ['--control-port', '{busy}'], 1, 'PORT_IN_USE'],
    ['every address without keys', ['--host', '0.0.0.0'], 2, 'BIND_REFUSED'],
    [
      'an address of another machine',
      ['--host', '192.0.2.1', '--secure'],
      1,
      'ADDRESS_UNAVAILABLE',
    ],
    ['an unknown option', ['--prot', '1'], 2, 'USAGE'],
    ['a port that is none', ['--port', 'many'], 2, 'USAGE'],
  ])('refuses %s in one line', (_, args, code, name) =>
    withTemporaryDirectory(async (home) => {
      const busy = createServer().listen(0, '127.0.0.1');
      await eventually('listening', () => busy.listening);
      const { port } = busy.address() as { port: number };
      const given = args.map((arg) => arg.replace('{busy}', String(port)));
      const { code: exit, stderr } = await CoordinatorProcess.refused(home, ...given);
      expect(stderr).toMatch(new RegExp(`^${name}: .*\n$`));
      expect(exit).toBe(code);
      expect(readdirSync(home)).not.toContain('coordinator.json');
      busy.close();
    }),
  );

  it('answers nobody over HTTP before it has its control port', () =>
    withTemporaryDirectory(async (home) => {
      const listening = async () => {
        const server = createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        return { server, ...(server.address() as AddressInfo) };
      };
      const [busy, free] = [await listening(), await listening()];
      free.server.close();
      await once(free.server, 'close');
      let [isOver, answered] = [false, 0];
      const knock = async () => {
        while (!isOver) {
          const socket = connect(free.port, '127.0.0.1');
          const opened = await Promise.race([
            once(socket, 'connect').then(() => true),
            once(socket, 'error').then(() => false),
          ]).catch(() => false);
          socket.destroy();
          if (opened) answered++;
          await setImmediate();
        }
      };
      const knocking = knock();
      const ports = ['--port', String(free.port), '--control-port', String(busy.port)];
      const { code } = await CoordinatorProcess.refused(home, ...ports);
      isOver = true;
      await knocking;
      busy.server.close();
      expect({ code, answered }).toEqual({ code: 1, answered: 0 });
    }));

  it.each([
    ['a file', (home: string) => join(home, 'file')],
    ['below a file', (home: string) => join(home, 'file', 'home')],
    ['where nothing can be written', () => '/proc/ringmaster'],
  ])('refuses a home that is %s', (_, where) =>
    withTemporaryDirectory(async (home) => {
      writeFileSync(join(home, 'file'), '');
      const { code, stderr } = await CoordinatorProcess.refused(where(home));
      expect(stderr).toMatch(/^HOME_NOT_WRITABLE: .*\n$/);
      expect(code).toBe(1);
    }),
  );
});

describe('a signal that asks for nothing', () => {
  it.each(['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const)(
    'neither ends a coordinator nor opens a debugger: %s',
    (signal) =>
      withTemporaryDirectory(async (home) => {
        const coordinator = await CoordinatorProcess.start(home);
        coordinator.child.kill(signal);
        const answer = await new Client(coordinator.file.url).request('GET', '/healthz');
        expect(answer.status).toBe(200);
        expect(await coordinator.kill('SIGTERM')).toBe(0);
        expect(coordinator.stderr).toBe('');
      }),
  );
});

describe('a coordinator that dies', () => {
  /** A ring of two workers that has made seven steps, whose coordinator is killed and started again. */
  const restarted = (
    meanwhile: (workers: readonly FakeWorker[]) => void,
    body: (scene: {
      client: Client;
      workers: readonly FakeWorker[];
      before: JobView;
      finish: () => Promise<JobView>;
    }) => Promise<void>,
  ) =>
    withTemporaryDirectory(async (home) => {
      const cluster = join(home, 'cluster');
      const files = await smallCorpus(home);
      let coordinator = await CoordinatorProcess.start(cluster, '--lease', '2000');
      const { control, url } = coordinator.file;
      const client = new Client(url);
      const gate = { step: 7 };
      const workers = [1, 2].map((pid) => new FakeWorker({ control, pid, gate }));
      await eventually('workers registered', () => workers.every(({ id }) => id !== ''));
      const { id } = await client.json<JobView>('POST', '/v1/jobs', { spec: pretrainSpec(files) });
      const job = () => client.json<JobView>('GET', `/v1/jobs/${id}`);
      const trainers = () => workers.flatMap((worker) => [...worker.trainers.values()]);
      await eventually('two trainers at step 7', async () => {
        const both = trainers().length === 2 && trainers().every(({ step }) => step === 7);
        return both && (await job()).step === 7;
      });
      await eventually('checkpoint', async () =>
        (await (await client.request('GET', '/metrics')).text()).includes(
          `ringmaster_checkpoints_total{job="${id}"} 1`,
        ),
      );
      const before = await job();
      await coordinator.kill('SIGKILL');
      meanwhile(workers);
      coordinator = await CoordinatorProcess.start(cluster, '--lease', '2000');
      expect((await job()).generation).toBe(before.generation);
      const finish = async () => {
        gate.step = Infinity;
        return eventually('end', async () => {
          const view = await job();
          return isFinal(view.state) ? view : null;
        });
      };
      await body({ client, workers, before, finish });
      await client.json('POST', '/v1/shutdown');
      expect(await coordinator.exited).toBe(0);
      expect(readdirSync(cluster)).not.toContain('coordinator.json');
    });

  it('finds its ring at work and takes it over as it is', () =>
    restarted(
      () => undefined,
      async ({ client, workers, before, finish }) => {
        await eventually('both workers are back', async () => {
          const found = await client.json<unknown[]>('GET', '/v1/workers');
          return found.length === 2;
        });
        const after = await finish();
        expect(after).toMatchObject({ state: 'succeeded', result: { stateHash: stateHashAt(20) } });
        expect(after.generation).toBe(before.generation);
        expect(await client.json('GET', '/v1/incidents')).toEqual([]);
        const points = await client.json<StepPoint[]>('GET', `/v1/jobs/${after.id}/steps`);
        expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
        for (const { heard } of workers)
          expect(heard.filter(({ type }) => type === 'launch')).toHaveLength(1);
      },
    ));

  it('misses who has died with it after a lease, and goes on from the memory of the others', () =>
    restarted(
      ([, second]) => {
        second?.vanish();
      },
      async ({ client, workers, before, finish }) => {
        const survivor = [...(workers[0]?.trainers.values() ?? [])][0];
        const start = await eventually('a generation without it', () => survivor?.starts.at(1));
        expect(start).toMatchObject({
          generation: before.generation + 1,
          begin: { at: 'peers', holders: [0], position: { step: 7 } },
        });
        expect((await finish()).state).toBe('succeeded');
        const [incident] = await client.json<IncidentView[]>('GET', '/v1/incidents');
        expect(incident?.what).toContain('did not register again');
      },
    ));

  it('takes its preparation process with it, and prepares again', () =>
    withTemporaryDirectory(async (home) => {
      const coordinator = await CoordinatorProcess.start(home);
      const { pid } = coordinator.file;
      const client = new Client(coordinator.file.url);
      const spec = pretrainSpec('', { data: { corpus: 'spam-assassin' } });
      const { id } = await client.json<JobView>('POST', '/v1/jobs', { spec });
      const child = await eventually('preparation process', () => {
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
        return children === '' ? null : Number(children);
      });
      await eventually('progress', async () => {
        const { state, progress } = await client.json<JobView>('GET', `/v1/jobs/${id}`);
        return state === 'preparing' && progress !== null;
      });
      await coordinator.kill('SIGKILL');
      await eventually('end of the preparation process', () => !isAlive(child));
      const next = await CoordinatorProcess.start(home);
      const again = await new Client(next.file.url).json<JobView>('GET', `/v1/jobs/${id}`);
      expect(['queued', 'preparing']).toContain(again.state);
      await new Client(next.file.url).json('POST', `/v1/jobs/${id}/cancel`);
      await next.kill('SIGTERM');
    }));
});

describe('a secure cluster', () => {
  it('lets nobody in without token and keys', () =>
    withTemporaryDirectory(async (home) => {
      const coordinator = await CoordinatorProcess.start(home, '--host', '0.0.0.0', '--secure');
      const { url, control, fingerprint } = coordinator.file;
      const read = (name: string) => readFileSync(join(home, name), 'utf8').trim();
      const token = read('token');
      for (const name of ['token', 'keys/server.secret', 'keys/client.secret'])
        expect(statSync(join(home, name)).mode & 0o777).toBe(0o600);

      const clientOf = (token: string | null) => new Client(url, token, fingerprint);
      const stranger = clientOf(null);
      expect((await stranger.request('GET', '/v1/jobs')).status).toBe(401);
      expect(await stranger.json('GET', '/v1/jobs')).toMatchObject({ code: 'UNAUTHORIZED' });
      expect((await clientOf(`${token}x`).request('GET', '/v1/jobs')).status).toBe(401);
      expect((await clientOf(token).request('GET', '/v1/jobs')).status).toBe(200);
      expect((await stranger.request('GET', '/healthz')).status).toBe(200);

      const { curveKeyPair } = await import('zeromq');
      const foreign = curveKeyPair();
      const keys = {
        server: read('keys/server.public'),
        public: read('keys/client.public'),
        secret: read('keys/client.secret'),
      };
      const strangers = [
        new FakeWorker({ control, pid: 1, token }),
        new FakeWorker({
          control,
          pid: 2,
          token,
          keys: { server: keys.server, public: foreign.publicKey, secret: foreign.secretKey },
        }),
      ];
      const friend = new FakeWorker({ control, pid: 3, token, keys });
      const forgetful = new FakeWorker({ control, pid: 4, token: 'wrong', keys });
      await eventually('friend registered', () => friend.id !== '');
      await eventually('refusal', () => forgetful.heard.some(({ type }) => type === 'refused'));
      await sleep(300);
      expect(strangers.flatMap(({ heard }) => heard)).toEqual([]);
      const workers = await clientOf(token).json<unknown[]>('GET', '/v1/workers');
      expect(workers).toHaveLength(1);
      for (const worker of [...strangers, friend, forgetful]) worker.vanish();
      await coordinator.kill('SIGTERM');
    }));
});
