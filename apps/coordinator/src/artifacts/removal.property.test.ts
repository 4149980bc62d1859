import { existsSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { isFinal, RingmasterError, sha256 } from '@ringmaster/protocol';
import { withTemporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobRecord } from '../store/jobs.js';
import { RemovalScene } from './removal.scene.test.fixture.js';

const index = fc.nat(30);
const operation = fc.oneof(
  fc.record({ type: fc.constant('submit' as const), after: index, base: index, kind: fc.nat(3) }),
  fc.record({ type: fc.constant('prepare' as const), job: index, key: fc.nat(3) }),
  fc.record({ type: fc.constant('checkpoint' as const), job: index }),
  fc.record({ type: fc.constant('succeed' as const), job: index }),
  fc.record({ type: fc.constant('fail' as const), job: index }),
  fc.record({ type: fc.constant('remove job' as const), job: index }),
  fc.record({ type: fc.constant('remove model' as const), model: index }),
  fc.record({ type: fc.constant('remove data' as const), data: index }),
  fc.record({
    type: fc.constant('prune' as const),
    days: fc.nat(4),
    pauses: fc.nat(4),
    after: index,
    base: index,
  }),
  fc.record({ type: fc.constant('age' as const) }),
  fc.record({ type: fc.constant('sweep' as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

const DAY_MS = 86_400_000;
const START_MS = Date.now() - 10 * DAY_MS;

/** What must be there, told by the operations alone. */
class Expectation {
  readonly jobs: string[] = [];
  readonly models: string[] = [];
  readonly data: string[] = [];
  readonly #scene: RemovalScene;
  #endings = 0;

  constructor(scene: RemovalScene) {
    this.#scene = scene;
  }

  get records(): JobRecord[] {
    return this.jobs.flatMap((id) => this.#scene.store.jobs.get(id) ?? []);
  }

  get live(): JobRecord[] {
    return this.records.filter(({ state }) => !isFinal(state));
  }

  pick<Thing>(things: readonly Thing[], at: number): Thing | undefined {
    return things[at % Math.max(1, things.length)];
  }

  async carryOut(operation: Operation): Promise<void> {
    const { store, removal, garbage } = this.#scene;
    switch (operation.type) {
      case 'submit':
        this.submit(operation.kind, operation.after, operation.base);
        break;
      case 'prepare': {
        const waiting = this.live.filter(({ state, after }) => {
          const done = after.every((id) => store.jobs.get(id)?.state === 'succeeded');
          return state === 'queued' && done;
        });
        const job = this.pick(waiting, operation.job);
        if (job === undefined) break;
        const id = this.#scene.prepare(job, operation.key);
        if (!this.data.includes(id)) this.data.push(id);
        break;
      }
      case 'checkpoint': {
        const job = this.pick(this.#running, operation.job);
        if (job !== undefined) this.#scene.checkpoint(job, store.checkpoints.of(job.id).length + 1);
        break;
      }
      case 'succeed': {
        const job = this.pick(this.#running, operation.job);
        if (job === undefined) break;
        const dropped = store.checkpoints.of(job.id);
        const model = this.#scene.end(job, 'succeeded', this.#nextEnding());
        if (model !== null) this.models.push(model);
        for (const { manifest } of dropped) garbage.release(manifest);
        break;
      }
      case 'fail': {
        const job = this.pick(this.#running, operation.job);
        if (job !== undefined) this.#scene.end(job, 'failed', this.#nextEnding());
        break;
      }
      case 'remove job': {
        const job = this.pick(this.records, operation.job);
        if (job === undefined) break;
        const isNeeded = this.live.some(({ after }) => after.includes(job.id));
        const refusal = isFinal(job.state)
          ? isNeeded
            ? 'JOB_IN_USE'
            : null
          : 'JOB_STATE_CONFLICT';
        expect(
          codeOf(() => {
            removal.job(job);
          }),
        ).toBe(refusal);
        break;
      }
      case 'remove model': {
        const model = this.pick(this.models, operation.model);
        if (model === undefined) break;
        const isNeeded = this.live.some(
          ({ base, baseManifest }) =>
            baseManifest === model ||
            (base?.type === 'model' && base.manifest === model) ||
            (base?.type === 'job' && store.jobs.get(base.job)?.result?.model === model),
        );
        expect(
          codeOf(() => {
            removal.model(model);
          }),
        ).toBe(isNeeded ? 'MODEL_IN_USE' : null);
        if (!isNeeded) this.models.splice(this.models.indexOf(model), 1);
        break;
      }
      case 'remove data': {
        const data = this.pick(this.data, operation.data);
        if (data === undefined) break;
        const isNeeded = this.live.some(({ dataManifest }) => dataManifest === data);
        expect(
          codeOf(() => {
            removal.data(data);
          }),
        ).toBe(isNeeded ? 'DATA_IN_USE' : null);
        if (!isNeeded) this.data.splice(this.data.indexOf(data), 1);
        break;
      }
      case 'prune': {
        const before = START_MS + operation.days * DAY_MS;
        const foreseen = await removal.prune(before, true);
        const pruning = removal.prune(before, false);
        // Somebody submits while it is at work.
        for (let pause = 0; pause < operation.pauses; pause++) await breathe();
        this.submit(operation.base % 4, operation.after, operation.base);
        const done = await pruning;
        for (const id of done.jobs.ids) expect(foreseen.jobs.ids).toContain(id);
        expect(done.data).toEqual(foreseen.data);
        this.data.splice(0, Infinity, ...this.data.filter((id) => !done.data.ids.includes(id)));
        break;
      }
      case 'age':
        this.#scene.age();
        break;
      case 'sweep':
        await garbage.sweep(Date.now());
    }
  }

  submit(kind: number, after: number, base: number): void {
    const { store } = this.#scene;
    const usable = this.records.filter(({ state }) => state !== 'failed');
    const first = kind === 1 ? this.pick(usable, after)?.id : undefined;
    const onModel = this.pick(
      this.models.filter((id) => store.models.get(id) !== null),
      base,
    );
    const onJob = this.pick(this.live, base)?.id;
    const from = kind === 2 ? onModel : kind === 3 ? onJob : undefined;
    const job = this.#scene.submit(
      `n${after % 3}`,
      first === undefined ? [] : [first],
      from ?? null,
    );
    this.jobs.push(job.id);
  }

  /** Nothing that somebody needs is missing. */
  check(): void {
    const { store, blobs } = this.#scene;
    for (const blob of this.needed) expect(existsSync(blobs.path(blob))).toBe(true);
    for (const { after } of this.live)
      for (const id of after) expect(store.jobs.get(id)).not.toBeNull();
    for (const model of this.models) expect(store.models.get(model)).not.toBeNull();
  }

  get needed(): Set<string> {
    const { store } = this.#scene;
    const whole = [
      ...this.models,
      ...this.data,
      ...this.records.flatMap(({ id }) => store.checkpoints.of(id).map(({ manifest }) => manifest)),
      ...this.live.flatMap(({ dataManifest, baseManifest }) => [dataManifest, baseManifest]),
    ];
    const alone = this.records.flatMap(({ dataManifest }) => dataManifest ?? []);
    return new Set([
      ...whole.flatMap((manifest) => (manifest === null ? [] : this.#scene.closure(manifest))),
      ...alone,
    ]);
  }

  get #running(): JobRecord[] {
    return this.live.filter(({ state }) => state === 'running');
  }

  /** Jobs end a day after each other. */
  #nextEnding(): string {
    return new Date(START_MS + (this.#endings++ % 5) * DAY_MS).toISOString();
  }
}

function codeOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (RingmasterError.is(error)) return error.code;
    throw error;
  }
}

describe('removal', () => {
  it('never takes what a job, a model or a user needs, and leaves nothing else behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 10, maxLength: 60 }),
        async (operations) => {
          await withTemporaryDirectory(async (home) => {
            const scene = new RemovalScene(home);
            const expectation = new Expectation(scene);
            scene.put('left by an upload that was broken off');
            for (const each of operations) {
              await expectation.carryOut(each);
              expectation.check();
            }
            scene.age();
            await scene.garbage.sweep(Date.now());
            expectation.check();
            expect(new Set(scene.onDisk())).toEqual(expectation.needed);
            expect(scene.onDisk()).not.toContain(sha256('left by an upload that was broken off'));
            await scene.close();
          });
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});
