import { ringmasterHome } from '@ringmaster/base';
import {
  parseJobSpec,
  type EvaluationReport,
  type IncidentView,
  type JobView,
  type ModelView,
  type StepPoint,
} from '@ringmaster/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../fixtures/client.test.fixture.js';
import { ServedCoordinator } from '../fixtures/coordinator.test.fixture.js';
import { pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { Store } from '../store/store.js';

const STEPS = 30_000;
const JOBS = 250;
const SPIKE = 12_345;
const HOLE = 23_456;
const STEEP = 777;

const served = new ServedCoordinator();
let client: Client;

const pointAt = (step: number): StepPoint => ({
  step,
  learningRate: 0.1,
  tokensPerSecond: 100,
  ledger: { samples: 8, digest: step },
  gradientNorm: step === STEEP ? 50 : 1 + (step % 7) / 10,
  loss: step === SPIKE ? 99 : step === HOLE ? -5 : 8 - step / 10_000 + (step % 5) / 100,
});
const evaluationAt = (step: number): EvaluationReport => ({
  step,
  metrics: {},
  loss: step === 5000 ? 42 : 1,
});

beforeAll(async () => {
  const { store: path } = ringmasterHome(served.home);
  const store = new Store(path);
  const spec = parseJobSpec(pretrainSpec('/none', { steps: STEPS }));
  store.transaction(() => {
    for (let at = 0; at < JOBS; at++)
      store.jobs.insert({
        id: `j-${String(at).padStart(10, '0')}`,
        spec,
        base: null,
        after: at === 0 ? [] : [`j-${'0'.repeat(10)}`],
        createdAt: '2026-01-01T00:00:00.000Z',
      });
    const id = `j-${'0'.repeat(10)}`;
    const first = store.jobs.get(id)!;
    store.jobs.update({ ...first, state: 'succeeded' });
    store.history.addSteps(
      id,
      Array.from({ length: STEPS }, (_, at) => pointAt(at + 1)),
    );
    const evaluations = Array.from({ length: STEPS / 10 }, (_, at) => evaluationAt(10 * at + 10));
    store.history.addEvaluations(id, evaluations);
    for (let at = 0; at < 300; at++) {
      const incident = { job: id, worker: null, step: at, generation: 1, what: `no. ${at}` };
      store.incidents.insert({ at: '2026-01-01T00:00:00.000Z', ...incident }, at);
    }
  });
  store.close();
  await served.start([]);
  client = served.client;
});
afterAll(() => served.coordinator.shutDown());

const curve = (query: string) =>
  client.json<StepPoint[]>('GET', `/v1/jobs/j-0000000000/steps${query}`);
const stepsOf = (points: readonly { step: number }[]) => points.map(({ step }) => step);

describe('a long curve', () => {
  it('is thinned to a bounded number of points, of which the extremes stay', async () => {
    for (const [query, most] of [
      ['', 1000],
      ['?points=10', 10],
      ['?points=5000', 5000],
    ] as const) {
      const points = await curve(query);
      expect(points.length).toBeLessThanOrEqual(most);
      expect(points.length).toBeGreaterThan(most / 5);
      const steps = stepsOf(points);
      expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
      for (const step of [1, SPIKE, HOLE, STEEP, STEPS]) expect(steps).toContain(step);
      for (const point of points) expect(point).toEqual(pointAt(point.step));
    }
  });

  it('is whole where it is short enough, from any step on', async () => {
    const exact = Array.from({ length: 1000 }, (_, at) => pointAt(STEPS - 999 + at));
    expect(await curve(`?from=${STEPS - 999}`)).toEqual(exact);
    expect(await curve(`?from=${STEPS}`)).toEqual([pointAt(STEPS)]);
    expect(await curve(`?from=${STEPS + 1}`)).toEqual([]);
    expect(stepsOf(await curve('?limit=3&from=9'))).toEqual([9, 10, 11]);
    expect(await curve('?limit=20000')).toEqual(
      Array.from({ length: 20_000 }, (_, at) => pointAt(at + 1)),
    );
  });

  it('of evaluations is thinned likewise', async () => {
    const path = '/v1/jobs/j-0000000000/evaluations';
    const reports = await client.json<EvaluationReport[]>('GET', path);
    expect(reports.length).toBeLessThanOrEqual(1000);
    for (const step of [10, 5000, STEPS]) expect(reports).toContainEqual(evaluationAt(step));
    expect(await client.json<unknown[]>('GET', `${path}?points=3000`)).toHaveLength(3000);
  });

  it.each(['points=9', 'points=20001', 'limit=20001', 'limit=0', 'from=-1', 'points=x'])(
    'is not sent beyond the largest size: %s',
    async (query) => {
      expect(await curve(`?${query}`)).toMatchObject({ code: 'REQUEST_INVALID' });
    },
  );
});

describe('a list', () => {
  it('comes in pages, newest first', async () => {
    const ids = Array.from(
      { length: JOBS },
      (_, at) => `j-${String(JOBS - 1 - at).padStart(10, '0')}`,
    );
    const page = (query: string) => client.json<JobView[]>('GET', `/v1/jobs${query}`);
    expect((await page('')).map(({ id }) => id)).toEqual(ids.slice(0, 200));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 20, max: 300 }), async (limit) => {
        const found: string[] = [];
        for (;;) {
          const last = found.at(-1);
          const jobs = await page(`?limit=${limit}${last === undefined ? '' : `&before=${last}`}`);
          found.push(...jobs.map(({ id }) => id));
          if (jobs.length < limit) break;
        }
        expect(found).toEqual(ids);
      }),
      { numRuns: 10 },
    );
    const [newest] = await page('?limit=1');
    expect(newest).toEqual(await client.json('GET', `/v1/jobs/${newest?.id ?? ''}`));
  });

  it('of incidents and models has the same bounds', async () => {
    const list = (query: string) => client.json<IncidentView[]>('GET', `/v1/incidents${query}`);
    const newest = await list('');
    expect(newest).toHaveLength(200);
    expect(newest[0]).toMatchObject({ id: 300, what: 'no. 299', recovery: null });
    const rest = await list(`?before=${newest.at(-1)?.id ?? 0}&job=j-0000000000`);
    expect(rest.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, at) => 100 - at));
    expect(await client.json<ModelView[]>('GET', '/v1/models')).toEqual([]);
  });

  it.each([
    '/v1/jobs?limit=1001',
    '/v1/models?limit=1001',
    '/v1/incidents?limit=1001',
    '/v1/workers?limit=1001',
    '/v1/data?limit=1001',
  ])('is not sent beyond the largest size: %s', async (path) => {
    const answer = await client.request('GET', path);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'REQUEST_INVALID' }]);
  });

  it('goes on behind nothing that does not exist', async () => {
    expect(await client.json('GET', '/v1/jobs?before=j-none')).toMatchObject({
      code: 'JOB_NOT_FOUND',
    });
    expect(await client.json('GET', '/v1/models?before=none')).toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });
});

describe('the events of a job', () => {
  const heard = async (id: string | null) => {
    const headers: Record<string, string> = id === null ? {} : { 'last-event-id': id };
    const path = '/v1/jobs/j-0000000000/events';
    const text = await (await client.request('GET', path, { headers })).text();
    return text.split('\n\n').flatMap((block) => {
      const [, at, type, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/s.exec(block) ?? [];
      return at === undefined
        ? []
        : [{ at, type, data: JSON.parse(data ?? '') as Record<string, never> }];
    });
  };

  it('have ids, at which a client goes on', async () => {
    const [only, ...others] = await heard(null);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ type: 'job', at: `${STEPS}-${STEPS}-300` });
    expect(await heard(`${STEPS}-${STEPS}-300`)).toEqual([only]);
    const missed = await heard(`${STEPS - 2}-${STEPS - 10}-298`);
    expect(missed.map(({ type, at }) => [type, at])).toEqual([
      ['step', `${STEPS - 1}-${STEPS - 10}-298`],
      ['step', `${STEPS}-${STEPS - 10}-298`],
      ['evaluation', `${STEPS}-${STEPS}-298`],
      ['incident', `${STEPS}-${STEPS}-299`],
      ['incident', `${STEPS}-${STEPS}-300`],
      ['job', `${STEPS}-${STEPS}-300`],
    ]);
  });

  it('that were missed are bounded', async () => {
    const events = await heard('0-0-0');
    expect(events.length).toBeLessThanOrEqual(2301);
    const steps = events.filter(({ type }) => type === 'step');
    expect(JSON.stringify(steps)).toContain(`"step":${SPIKE},`);
  });

  it.each(['x', '1-2', '-1-2-3', '1-2-3-4', '9e9-1-1'])(
    'ignore an id that is none: %s',
    async (id) => {
      expect(await heard(id)).toHaveLength(1);
    },
  );
});
