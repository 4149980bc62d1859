import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inDirectory, mergeAdapters, SafetensorsFile } from '@ringmaster/model';
import { artifactManifestSchema, type ArtifactManifest } from '@ringmaster/protocol';
import type { ClassPrediction } from '@ringmaster/tasks';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifacts } from '../artifacts/artifacts.js';
import { Predictor } from '../predict/predictor.js';
import { loadRun } from './run/load.js';
import { alone, microbatches, throughAKill, tinyJob, train } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;
let base: string;
let finetune: object;
let pretraining: object;

beforeAll(async () => {
  ground = await TrainingGround.create();
  const job = (await tinyJob(ground, { steps: 3 })) as { readonly data: object };
  const pretrained = await train(ground, job, 1);
  base = pretrained.finished.model ?? '';
  const examples = Array.from({ length: 120 }, (_, number) => {
    const [label, words] = number % 2 === 0 ? ['red', 'quick brown fox'] : ['blue', 'lazy dog'];
    return JSON.stringify({ text: `${words} number ${number} jumps over ${number * 7}`, label });
  });
  const common = {
    name: 'adapted',
    base: '/base',
    batch: { sequences: 16, microbatches },
    optimizer: { learningRate: 1e-2 },
    steps: 40,
    checkpoint: { every: 20 },
    seed: 3,
    tuning: {
      lora: { rank: 2, alpha: 8, dropout: 0.1, targets: ['**.attention.{query,value}', '**.up'] },
    },
  };
  finetune = {
    ...common,
    kind: 'finetune',
    task: 'text-classification',
    data: { files: await ground.file('examples.jsonl', examples.join('\n')), test: 0.2 },
  };
  pretraining = {
    ...common,
    kind: 'pretrain',
    objective: 'masked-language-model',
    data: job.data,
    precision: 'bfloat16',
  };
});

afterAll(async () => {
  await ground.remove();
});

async function manifestOf(model: string | null): Promise<ArtifactManifest> {
  const text = await readFile(ground.store().path(model ?? ''), 'utf8');
  return artifactManifestSchema.parse(JSON.parse(text));
}

/** The files of a model in a directory of their own. */
async function directoryOf(model: string | null, name: string): Promise<string> {
  const directory = join(ground.home, name);
  await mkdir(directory);
  for (const [file, { sha256 }] of Object.entries((await manifestOf(model)).files))
    await copyFile(ground.store().path(sha256), join(directory, file));
  return directory;
}

// A pair for each of query, value and up in two blocks; and the pooler and the classifier.
describe.each([
  ['classifies in float32', () => finetune, 2 * 3 * 2 + 4],
  ['is pretrained further in bfloat16', () => pretraining, 2 * 3 * 2],
] as const)('a run with adapters that %s', (_, job, tensors) => {
  it('ends in the same bytes with 1, 2 and 3 workers and after a kill, beside the weights of its base', async () => {
    const launch = await ground.launchOf(job(), base);
    const expected = await alone(ground, launch);
    const finished = await throughAKill(ground, launch);
    expect(finished.position).toEqual(expected.position);
    expect(finished.model).toBe(expected.model);

    const [before, after] = [await manifestOf(base), await manifestOf(expected.model)];
    const weights = 'model.safetensors';
    expect(after.files[weights]).toEqual(before.files[weights]);
    expect(Object.keys(after.files)).toContain('adapter_config.json');
    const adapters = after.files['adapter_model.safetensors'];
    const file = await SafetensorsFile.open(ground.store().path(adapters?.sha256 ?? ''));
    expect(file.tensors.size).toBe(tensors);
    for (const name of file.tensors.keys())
      if (name.includes('lora_B'))
        expect((await file.read(name)).some((each) => each !== 0)).toBe(true);
    await file.close();
  });
});

describe('adapters', () => {
  it('alone are in the state and the arena, and the base is in the hash of every state', async () => {
    const artifacts = openArtifacts(ground.location(), ground.home);
    const launch = await ground.launchOf(finetune, base);
    const run = await loadRun({ ...launch, trainer: 't' }, artifacts, pino({ level: 'silent' }));
    await run.initialise();
    const names = run.layout.tensors.map(({ name }) => name);
    expect(names.filter((name) => !/\.lora-[ab]\.|^(pooler|classifier)\./.test(name))).toEqual([]);
    expect(JSON.parse(run.state.header())).toHaveProperty('frozen');
    await run.memory.quantiser.close();
  });

  it('predict beside their base as merged into it, where another run may begin', async () => {
    const launch = await ground.launchOf({ ...finetune, steps: 12 }, base);
    const { model } = await alone(ground, launch);
    const [beside, merged] = [
      await directoryOf(model, 'beside'),
      await directoryOf(model, 'merged'),
    ];
    await mergeAdapters(merged);
    const [first, second] = await Promise.all(
      [beside, merged].map(async (directory) => {
        const predictor = await Predictor.open('adapted', inDirectory(directory), []);
        return predictor.predict([{ text: 'quick brown fox' }]) as ClassPrediction[];
      }),
    );
    expect(first).toEqual(second);
    // Adapters of a model that has adapters itself stand beside the merged weights.
    const again = await alone(
      ground,
      await ground.launchOf({ ...finetune, steps: 4 }, model ?? ''),
    );
    const [once, twice] = [await manifestOf(model), await manifestOf(again.model)];
    const weights = 'model.safetensors';
    expect(twice.files[weights]).not.toEqual(once.files[weights]);
    const predictor = await Predictor.open(
      'twice',
      inDirectory(await directoryOf(again.model, 'twice')),
      [],
    );
    expect(predictor.predict([{ text: 'lazy dog' }])).toHaveLength(1);
  });

  it('of layers that the base does not have are refused', async () => {
    const job = { ...finetune, tuning: { lora: { targets: ['**.querry'] } } };
    const launch = await ground.launchOf(job, base);
    const artifacts = openArtifacts(ground.location(), ground.home);
    const loading = loadRun({ ...launch, trainer: 't' }, artifacts, pino({ level: 'silent' }));
    await expect(loading).rejects.toMatchObject({ code: 'LORA_UNMATCHED' });
  });
});
