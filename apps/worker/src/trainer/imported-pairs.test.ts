import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inDirectory, Model, writeHuggingFace, type ModelConfig } from '@ringmaster/model';
import { artifactManifestSchema, canonicalJson } from '@ringmaster/protocol';
import { importedManifest, inspectModel, listModelDirectory } from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alone, microbatches, throughAKill, tinyJob, train } from './tiny.test.fixture.js';
import { TrainingGround } from './trainers.test.fixture.js';

let ground: TrainingGround;

beforeAll(async () => {
  ground = await TrainingGround.create();
});

afterAll(async () => {
  await ground.remove();
});

const pairs = Array.from({ length: 120 }, (_, number) =>
  JSON.stringify({ source: `the quick fox ${number}`, target: `der schnelle Fuchs ${number}` }),
).join('\n');

/** A Marian as it lies on the hub, with random weights. */
async function importedMarian(): Promise<string> {
  const reference = JSON.parse(
    await readFile(
      new URL('../../../../libs/tasks/reference/marian.json', import.meta.url),
      'utf8',
    ),
  ) as { models: Record<string, string>; vocabulary: Record<string, number> };
  const { models, vocabulary } = reference;
  const padding = vocabulary['<pad>'] ?? 0;
  const config: ModelConfig = {
    architecture: 'marian',
    vocabulary: Object.keys(vocabulary).length,
    context: 32,
    layers: 1,
    decoderLayers: 1,
    hidden: 16,
    heads: 2,
    decoderHeads: 2,
    intermediate: 32,
    decoderIntermediate: 32,
    activation: 'silu',
    dropout: 0.1,
    attentionDropout: 0,
    activationDropout: 0,
    scaledEmbeddings: true,
  };
  const head = 'sequence-to-sequence';
  const directory = temporaryDirectory();
  const model = new Model(Runtime.open(), config, head);
  const values = model.initialise(1);
  const parameters = model.parameters.map(({ name, shape }) => ({
    name,
    shape,
    data: values.get(name) ?? new Float32Array(),
  }));
  const tokens = { padding, begin: null, end: 0 };
  await writeHuggingFace(
    directory,
    { model: config, head, labels: null, scoring: null, tokens },
    parameters,
  );
  model.unload();
  for (const [name, bytes] of Object.entries(models))
    await writeFile(join(directory, `${name}.spm`), gunzipSync(Buffer.from(bytes, 'base64')));
  await writeFile(join(directory, 'vocab.json'), JSON.stringify(vocabulary));
  return imported(directory);
}

/** Takes a directory into the store, as an import does. @returns The hash of its manifest. */
async function imported(directory: string): Promise<string> {
  const store = ground.store();
  const names = await listModelDirectory(directory);
  const config = await inspectModel(inDirectory(directory));
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const name of names) files[name] = await store.putFile(join(directory, name));
  files['tokenizer.json'] = await store.putBytes(Buffer.from(config.tokenizerFile.json));
  const manifest = importedManifest('marian', config, files);
  const { sha256 } = await store.putBytes(Buffer.from(canonicalJson(manifest)));
  return sha256;
}

/** A BART that was pretrained here. */
async function pretrainedBart(): Promise<string> {
  const job = await tinyJob(ground, {
    model: { architecture: 'bart', layers: 1, hidden: 16, heads: 2, context: 32 },
    tokenizer: { algorithm: 'unigram', vocabulary: 320, byteFallback: true },
    objective: 'sequence-to-sequence',
    data: { files: await ground.file('pairs.jsonl', pairs), validation: 0.1 },
    steps: 3,
  });
  return (await train(ground, job, 1)).finished.model ?? '';
}

describe.each([
  ['BART', pretrainedBart],
  ['Marian of the hub', importedMarian],
])('a base that is a %s', (_, baseOf) => {
  it('ends fine-tuned by adapters in the same bytes with 1, 2 and 3 workers and after a kill', async () => {
    const base = await baseOf();
    const job = {
      kind: 'finetune',
      name: 'adapted',
      base: '/base',
      task: 'sequence-to-sequence',
      data: { files: await ground.file('pairs.jsonl', pairs), test: 0.1 },
      batch: { sequences: 8, microbatches },
      optimizer: { learningRate: 1e-2 },
      steps: 40,
      seed: 3,
      tuning: { lora: { rank: 2, dropout: 0.1, targets: ['**.attention.*', '**.up'] } },
    };
    const launch = await ground.launchOf(job, base);
    const expected = await alone(ground, launch);
    const finished = await throughAKill(ground, launch);
    expect(finished.position).toEqual(expected.position);
    expect(finished.model).toBe(expected.model);

    const [before, after] = await Promise.all(
      [base, expected.model ?? ''].map(async (id) => {
        const text = await readFile(ground.store().path(id), 'utf8');
        return artifactManifestSchema.parse(JSON.parse(text));
      }),
    );
    expect(Object.keys(after?.files ?? {})).toContain('adapter_model.safetensors');
    for (const name of ['model.safetensors', 'source.spm', 'target.spm'])
      expect(after?.files[name], name).toEqual(before?.files[name]);
    const config = after?.files['tokenizer_config.json']?.sha256 ?? '';
    const { tokenizer_class: written } = JSON.parse(
      await readFile(ground.store().path(config), 'utf8'),
    ) as { tokenizer_class: string };
    const isMarian = before?.files['source.spm'] !== undefined;
    expect(written).toBe(isMarian ? 'MarianTokenizer' : 'PreTrainedTokenizerFast');
    expect('vocab.json' in (after?.files ?? {})).toBe(isMarian);
  });
});
