import { readFile } from 'node:fs/promises';
import { SafetensorsFile } from '@ringmaster/model/formats';
import { artifactManifestSchema } from '@ringmaster/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifacts } from '../artifacts/artifacts.js';
import { loadRun } from './run/load.js';
import { alone, finish, microbatches, throughAKill, tinyJob, train } from './tiny.test.fixture.js';
import { form, TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;
let base: string;
let finetune: object;

/** The embeddings and the first of two blocks: about two thirds of the parameters of a tiny model. */
const tuning = { freeze: ['embeddings', 'blocks.{0..0}.**'] };
const FROZEN = /^bert\.(embeddings|encoder\.layer\.0)\./;

beforeAll(async () => {
  ground = await TrainingGround.create();
  const pretrained = await train(ground, await tinyJob(ground, { steps: 3 }), 1);
  base = pretrained.finished.model ?? '';
  const examples = Array.from({ length: 120 }, (_, number) => {
    const [label, words] = number % 2 === 0 ? ['red', 'quick brown fox'] : ['blue', 'lazy dog'];
    return JSON.stringify({ text: `${words} number ${number} jumps over ${number * 7}`, label });
  });
  finetune = {
    kind: 'finetune',
    name: 'frozen',
    base: '/base',
    task: 'text-classification',
    data: { files: await ground.file('examples.jsonl', examples.join('\n')), test: 0.2 },
    batch: { sequences: 16, microbatches },
    optimizer: { learningRate: 3e-3 },
    steps: 60,
    checkpoint: { every: 20 },
    seed: 3,
  };
});

afterAll(async () => {
  await ground.remove();
});

/** The tensors of a model, as hex, by their names. */
async function tensorsOf(model: string): Promise<Map<string, string>> {
  const store = ground.store();
  const manifest = artifactManifestSchema.parse(
    JSON.parse(await readFile(store.path(model), 'utf8')),
  );
  const file = await SafetensorsFile.open(
    store.path(manifest.files['model.safetensors']?.sha256 ?? ''),
  );
  const tensors = new Map<string, string>();
  for (const name of file.tensors.keys())
    tensors.set(name, Buffer.from((await file.read(name)).buffer).toString('hex'));
  await file.close();
  return tensors;
}

describe.each(['float32', 'bfloat16'])('a run with frozen parameters in %s', (precision) => {
  it('ends in the same bytes with 1, 2 and 3 workers and after a kill, and leaves those of the base', async () => {
    const launch = await ground.launchOf({ ...finetune, tuning, precision }, base);
    const expected = await alone(ground, launch);

    const finished = await throughAKill(ground, launch);
    expect(finished.position).toEqual(expected.position);
    expect(finished.model).toBe(expected.model);

    const checkpoint = expected.messages.find(({ type }) => type === 'checkpointed');
    if (checkpoint?.type !== 'checkpointed') throw new Error('no checkpoint was written');
    const { manifest, position } = checkpoint;
    const resumed = await ground.trainer(launch);
    const from = { at: 'checkpoint', manifest, position } as const;
    await form([resumed], { generation: 5, begin: from, microbatches });
    expect((await finish([resumed], 5)).position).toEqual(expected.position);
    await ground.rest(resumed);

    const [before, after] = [await tensorsOf(base), await tensorsOf(expected.model ?? '')];
    expect([...after.keys()].filter((name) => FROZEN.test(name))).toHaveLength(21);
    for (const [name, bytes] of after) {
      if (before.has(name)) expect(before.get(name) === bytes, name).toBe(FROZEN.test(name));
    }
  });
});

describe('frozen parameters', () => {
  it('are in no state, no arena and no ring, and in the hash of every state', async () => {
    const artifacts = openArtifacts(ground.location(), ground.home);
    const load = async (changes: object) => {
      const launch = await ground.launchOf({ ...finetune, ...changes }, base);
      const run = await loadRun({ ...launch, trainer: 't' }, artifacts, pino({ level: 'silent' }));
      await run.initialise();
      return run;
    };
    const [whole, part, other] = [await load({}), await load({ tuning }), await load({ tuning })];
    const names = part.layout.tensors.map(({ name }) => name);
    expect(names.filter((name) => /^(embeddings|blocks\.0)\./.test(name))).toEqual([]);
    expect(part.layout.parameterCount).toBeLessThan(0.5 * whole.layout.parameterCount);
    expect(part.state.range.byteLength / whole.state.range.byteLength).toBeCloseTo(
      part.layout.parameterCount / whole.layout.parameterCount,
      1,
    );
    expect(JSON.parse(part.state.header())).toHaveProperty('frozen');
    expect(JSON.parse(whole.state.header())).not.toHaveProperty('frozen');
    expect(other.stateHash()).toBe(part.stateHash());
    for (const run of [whole, part, other]) await run.memory.quantiser.close();
  });

  it('make the ring carry less, in proportion', async () => {
    const bytesOf = async (changes: object) => {
      const { messages } = await trainOn({ ...finetune, steps: 4, ...changes });
      const steps = messages.flatMap((said) => (said.type === 'progress' ? said.steps : []));
      return steps.at(-1)?.ringBytes ?? NaN;
    };
    const share = (await bytesOf({ tuning })) / (await bytesOf({}));
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.5);
  });

  it('may begin with values from the seed', async () => {
    const scratch = await tinyJob(ground, { steps: 4, tuning: { freeze: ['embeddings.token'] } });
    const { finished, launch } = await train(ground, scratch, 2);
    expect((await alone(ground, launch)).position).toEqual(finished.position);
  });

  it.each([
    [['block.0'], 'FREEZE_UNMATCHED'],
    [['**'], 'FREEZE_EVERYTHING'],
  ])('of %j are refused with %s', async (freeze, code) => {
    const launch = await ground.launchOf({ ...finetune, tuning: { freeze } }, base);
    const artifacts = openArtifacts(ground.location(), ground.home);
    const loading = loadRun({ ...launch, trainer: 't' }, artifacts, pino({ level: 'silent' }));
    await expect(loading).rejects.toMatchObject({ code });
  });
});

/** Trains with two workers. */
async function trainOn(job: object) {
  const launch = await ground.launchOf(job, base);
  const trainers = await Promise.all([ground.trainer(launch), ground.trainer(launch)]);
  await form(trainers, { generation: 1, begin: { at: 'specification' }, microbatches });
  await finish(trainers, 1);
  const messages = [...trainers[0].messages];
  await Promise.all(trainers.map((trainer) => ground.rest(trainer)));
  return { messages };
}
