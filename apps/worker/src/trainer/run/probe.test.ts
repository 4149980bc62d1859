import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openArtifacts } from '../../artifacts/artifacts.js';
import { tinyJob } from '../tiny.test.fixture.js';
import { TrainingGround } from '../trainers.test.fixture.js';
import { loadRun } from './load.js';
import { probe } from './probe.js';
import { Run } from './run.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

it('the probe is a function of the specification and leaves no state behind', async () => {
  const probeOf = async (changes: object) => {
    const trainer = await ground.trainer(await ground.launchOf(await tinyJob(ground, changes)));
    const { numerics } = await trainer.next('ready');
    trainer.command({ type: 'prepare', generation: 1, rank: 0, size: 1, planned: false });
    expect((await trainer.next('prepared')).state).toBeNull();
    await trainer.end();
    return numerics['probe'];
  };
  const first = await probeOf({});
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await probeOf({ name: 'other', checkpoint: { every: 1 } })).toBe(first);
  expect(await probeOf({ seed: 4 })).not.toBe(first);
});

it('what the probe drew is where the run begins, unless something else was written there', async () => {
  const launch = { ...(await ground.launchOf(await tinyJob(ground, {}))), trainer: 't' };
  const artifacts = openArtifacts(ground.location(), ground.home);
  const { loaded, memory, buckets } = await loadRun(launch, artifacts, pino({ level: 'silent' }));
  let drawn = 0;
  const initialValues = () => {
    drawn++;
    return loaded.initialValues();
  };
  const run = new Run({ ...loaded, initialValues }, memory, buckets);
  try {
    await run.initialise();
    const stateHash = run.stateHash();
    run.forget();
    await probe(run);
    expect([drawn, run.isInitialised]).toEqual([2, false]);
    await run.initialise();
    expect([drawn, run.isInitialised, run.stateHash()]).toEqual([2, true, stateHash]);

    await probe(run);
    run.forget();
    run.state.parameters.fill(0);
    await run.initialise();
    expect([drawn, run.isInitialised, run.stateHash()]).toEqual([4, true, stateHash]);
  } finally {
    await memory.quantiser.close();
  }
});
