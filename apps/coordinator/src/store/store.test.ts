import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseJobSpec, type StepPoint } from '@ringmaster/protocol';
import { withTemporaryDirectory } from '@ringmaster/testing';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { newRun } from '../runs/run.js';
import { StoreLocked } from './database.js';
import { migrations } from './migrations.js';
import { Store } from './store.js';

const WRITER = fileURLToPath(new URL('./writer.test.process.js', import.meta.url));
const spec = parseJobSpec(pretrainSpec('/data/*.txt'));
const PHASES = { compute: 1, quantise: 0.1, send: 0.1, wait: 0, update: 0.2 };
const createdAt = new Date(0).toISOString();

async function withStore(
  body: (store: Store, path: string) => void | Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (home) => {
    const path = join(home, 'store.sqlite');
    const store = new Store(path);
    await body(store, path);
    store.close();
  });
}

describe('the store', () => {
  it('keeps everything it has acknowledged and nothing half, whenever its process is killed', () =>
    withTemporaryDirectory(async (home) => {
      const path = join(home, 'store.sqlite');
      const acknowledged: [string, number][] = [];
      for (let kill = 0; kill < 8; kill++) {
        const writer = spawn(process.execPath, [WRITER, path, JSON.stringify(spec)]);
        let said = '';
        writer.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
        await once(writer.stdout, 'data');
        await sleep(kill * 7);
        writer.kill('SIGKILL');
        await once(writer, 'close');
        for (const line of said.split('\n').slice(0, -1)) {
          const [id = '', generation] = line.split(' ');
          acknowledged.push([id, Number(generation)]);
        }
        const store = new Store(path);
        for (const [id, generation] of acknowledged)
          expect(store.jobs.get(id)?.generation).toBe(generation);
        for (const { job } of store.jobs.begun()) {
          expect(job.generation).toBeGreaterThan(0);
          expect(store.checkpoints.of(job.id)).toHaveLength(1);
        }
        store.close();
      }
      expect(acknowledged.length).toBeGreaterThan(8);
    }));

  it('is locked for one process at a time', () =>
    withStore((_, path) => {
      expect(() => new Store(path)).toThrow(StoreLocked);
    }));

  it('refuses a file that is no database, and leaves it as it is', () =>
    withTemporaryDirectory(async (home) => {
      const path = join(home, 'store.sqlite');
      writeFileSync(path, 'just some text that is no database'.repeat(100));
      expect(() => new Store(path)).toThrow(/cannot be used/);
      expect(statSync(path).size).toBe(3400);
      await Promise.resolve();
    }));

  it('gives back what it was given', () =>
    withStore((store) => {
      const base = { type: 'model', manifest: 'c'.repeat(64) } as const;
      const job = store.jobs.insert({ id: 'j-1', spec, after: ['j-0'], base, createdAt });
      const changed = {
        ...job,
        state: 'failed' as const,
        generation: 3,
        step: 5,
        steps: 9,
        loss: 0.1,
        tokensPerSecond: 2.5,
        secondsPerStep: 3,
        workers: ['w-1'],
        ranks: [{ rank: 0, worker: 'w-1', microbatches: 4, phases: PHASES, link: null }],
        evaluation: { step: 5, loss: 1, metrics: { accuracy: 0.5 } },
        result: { stateHash: 'a', model: 'b', metrics: {} },
        error: { code: 'INTERNAL', message: 'm', remedy: 'r', detail: { a: 1 } },
        dataManifest: 'd',
        baseManifest: 'e',
        startedAt: createdAt,
        endedAt: createdAt,
      };
      const limits = { min: 1, max: 2, microbatches: 8, keep: 2, keepAtEnd: 0, auditEvery: 0 };
      const stored = { at: 5, run: newRun('j-1', 'tiny', limits) };
      expect(store.jobs.begun()).toEqual([]);
      expect(store.jobs.inLine('j-1')).toEqual(job);
      expect(store.jobs.firstInLine(1)).toEqual([]);
      store.jobs.update(changed, stored);
      expect(store.jobs.get('j-1')).toEqual(changed);
      store.jobs.update(changed);
      const going = { ...changed, state: 'running' as const };
      store.jobs.update(going);
      expect(store.jobs.begun()).toEqual([{ job: going, stored }]);
      expect([store.needs.ofData('d'), store.needs.ofModel('e')]).toEqual(['j-1', 'j-1']);
      store.jobs.update(changed);
      expect(store.jobs.newestByName('tiny')).toEqual(changed);
      expect(store.jobs.begun()).toEqual([]);
      expect(store.needs.ofData('d')).toBeNull();
      expect(store.jobs.dataManifests()).toEqual(['d']);
      const where = { job: 'j-1', worker: null, step: 3, generation: 2 };
      const incident = { at: createdAt, ...where, what: 'it broke' };
      store.incidents.insert(incident, 7);
      expect(store.incidents.list('j-1', 9, null)).toEqual([
        { id: 1, ...incident, recovery: null },
      ]);
      const recovery = { detect: 0.5, abort: 0.1, form: 0.2, transfer: 0, firstStep: 1 };
      store.incidents.complete('j-1', 7, recovery);
      expect(store.incidents.get('j-1', 7)).toEqual({ id: 1, ...incident, recovery });
      expect(store.incidents.get('j-1', 8)).toBeNull();
      expect(store.incidents.list('j-2', 9, null)).toEqual([]);
    }));

  it('has jobs stand in line by priority until something happens to them', () =>
    withStore((store) => {
      const insert = (id: string, priority: number, after: string[] = [], model = '') =>
        store.jobs.insert({
          id,
          after,
          createdAt,
          spec: { ...spec, priority },
          base: model === '' ? null : { type: 'model', manifest: model },
        });
      const first = () => store.jobs.firstInLine(1)[0]?.id ?? null;
      const base = insert('j-base', 0);
      insert('j-next', 0, [], 'm');
      insert('j-urgent', 5, ['j-base']);
      expect(first()).toBe('j-base');
      expect(store.jobs.firstInLine(9).map(({ id }) => id)).toEqual(['j-base', 'j-next']);
      const limits = { min: 1, max: 2, microbatches: 8, keep: 2, keepAtEnd: 0, auditEvery: 0 };
      const stored = { at: 0, run: newRun('j-base', 'tiny', limits) };
      store.jobs.update({ ...base, state: 'preparing' }, stored);
      expect(first()).toBe('j-next');
      expect(store.jobs.inLine('j-base')).toBeNull();
      expect(store.jobs.inLine('j-next')?.id).toBe('j-next');
      store.jobs.update({ ...base, state: 'succeeded' });
      expect(first()).toBe('j-urgent');
      expect(store.jobs.abandonedInLine()).toEqual([]);
      store.jobs.update({ ...base, state: 'failed' });
      expect(store.jobs.abandonedInLine().map(({ id }) => id)).toEqual(['j-urgent']);
      expect(first()).toBe('j-next');
      expect(store.jobs.begun()).toEqual([]);
      expect(store.jobs.list(2, null).map(({ id }) => id)).toEqual(['j-urgent', 'j-next']);
    }));

  it('knows which jobs need a model, however they came by it', () =>
    withStore((store) => {
      const result = { stateHash: 'h', model: 'made', metrics: {} };
      const maker = store.jobs.insert({ id: 'j-maker', spec, after: [], base: null, createdAt });
      store.jobs.update({ ...maker, state: 'succeeded', result });
      const bases = [
        ['made', { type: 'job', job: 'j-maker' }],
        ['given', { type: 'model', manifest: 'given' }],
        ['taken', { type: 'directory', path: '/somewhere' }],
      ] as const;
      for (const [model, base] of bases) {
        const id = `j-${model}`;
        const job = store.jobs.insert({ id, spec, after: [], base, createdAt });
        const needing =
          base.type === 'directory' ? { ...job, baseManifest: model, dataManifest: 'd' } : job;
        store.jobs.update(needing);
        expect(store.needs.ofModel(model)).toBe(id);
        for (const state of ['preparing', 'running', 'paused'] as const) {
          store.jobs.update({ ...needing, state });
          expect(store.needs.ofModel(model)).toBe(id);
        }
        store.jobs.update({ ...needing, state: 'failed' });
        expect(store.needs.ofModel(model)).toBeNull();
      }
    }));

  it('tells which steps are new, and overwrites those that were told otherwise', () =>
    withStore((store) => {
      const point = (step: number, loss: number | null): StepPoint => ({
        step,
        loss,
        learningRate: 0.1,
        gradientNorm: 1,
        tokensPerSecond: 5,
        ledger: step > 1 ? { samples: 8, digest: -step } : null,
      });
      store.history.addSteps('j', [point(1, 3), point(2, 2)]);
      const faster = { ...point(2, 2), tokensPerSecond: 6 };
      expect(store.history.addSteps('j', [faster, point(3, null)])).toEqual([point(3, null)]);
      expect(store.history.addSteps('j', [point(1, 4)])).toEqual([point(1, 4)]);
      expect(store.history.steps('j').from(1, 10)).toEqual([
        point(1, 4),
        point(2, 2),
        point(3, null),
      ]);
    }));

  it('takes nothing of a transaction that fails', () =>
    withStore((store) => {
      const failing = () => {
        store.jobs.insert({ id: 'j-1', spec, after: [], base: null, createdAt });
        throw new Error('no');
      };
      expect(() => store.transaction(failing)).toThrow('no');
      expect(store.jobs.get('j-1')).toBeNull();
    }));

  it('does not let its log grow without bound', () =>
    withStore((store, path) => {
      for (let round = 0; round < 600; round++)
        store.setSetting('key', `${round} ${'x'.repeat(20_000)}`);
      expect(existsSync(`${path}-wal`)).toBe(true);
      expect(statSync(`${path}-wal`).size).toBeLessThan(8 * 1024 * 1024);
    }));

  it('gives the room of removed jobs back, a piece at a time, and takes up again where it was', () =>
    withTemporaryDirectory(async (home) => {
      const path = join(home, 'store.sqlite');
      const size = (file: string) => (existsSync(file) ? statSync(file).size : 0);
      let store = new Store(path);
      const point = (step: number): StepPoint => ({
        step,
        loss: 1,
        learningRate: 0.1,
        gradientNorm: 1,
        tokensPerSecond: 5,
        ledger: { samples: 8, digest: -step },
      });
      for (const id of ['j-1', 'j-2']) {
        store.jobs.insert({ id, spec, after: [], base: null, createdAt });
        store.transaction(() => {
          const points = Array.from({ length: 20_000 }, (_, index) => point(index + 1));
          store.history.addSteps(id, points);
          store.history.addEvaluations(id, [{ step: 1, loss: 1, metrics: {} }]);
        });
      }
      store.shrink(1);
      const full = size(path);
      store.transaction(() => {
        store.removals.removeJob('j-1');
      });
      expect(store.jobs.get('j-1')).toBeNull();
      expect(store.removals.proceed(1000)).toBe(true);
      expect(store.history.steps('j-1').from(0, 99_999)).toHaveLength(19_000);
      store.close();

      store = new Store(path);
      while (store.removals.proceed(1000)) await Promise.resolve();
      while (store.shrink(100)) await Promise.resolve();
      expect(store.history.steps('j-1').from(0, 99_999)).toEqual([]);
      expect(store.history.evaluations('j-1').from(0, 9)).toEqual([]);
      expect(store.history.steps('j-2').from(0, 99_999)).toHaveLength(20_000);
      expect(size(path)).toBeLessThan(0.6 * full);
      expect(size(`${path}-wal`)).toBe(0);
      store.close();
    }));

  it('gives room back also in a file that an earlier version made, and drops what that kept in vain', () =>
    withTemporaryDirectory(async (home) => {
      const path = join(home, 'store.sqlite');
      const earlier = new Database(path);
      for (const sql of migrations.slice(0, 4)) earlier.exec(sql);
      earlier.exec('PRAGMA user_version = 4');
      for (const state of ['succeeded', 'failed']) {
        earlier
          .prepare(
            `INSERT INTO jobs (id, name, spec, after, state, created_at)
             VALUES (?, 'n', '{}', '[]', ?, '')`,
          )
          .run(state, state);
        earlier.prepare(`INSERT INTO checkpoints VALUES (?, 1, 0, 'a', 'b', '')`).run(state);
      }
      earlier.exec(`CREATE TABLE filling (text TEXT)`);
      for (let row = 0; row < 200; row++)
        earlier.prepare('INSERT INTO filling VALUES (?)').run('x'.repeat(5000));
      earlier.exec('DROP TABLE filling');
      earlier.close();
      expect(statSync(path).size).toBeGreaterThan(1_000_000);
      const store = new Store(path);
      expect([store.checkpoints.of('succeeded'), store.checkpoints.of('failed')]).toMatchObject([
        [],
        [{ manifest: 'b' }],
      ]);
      while (store.shrink(100)) await Promise.resolve();
      expect(statSync(path).size).toBeLessThan(200_000);
      store.close();
    }));
});
