import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import { Runtime } from '@ringmaster/tensorflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HuggingFaceModel, sourcesOf } from '../formats/hugging-face.js';
import { inDirectory } from '../formats/model-files.js';
import { writePeft } from '../formats/peft.js';
import { SafetensorsFile, writeSafetensors } from '../formats/safetensors.js';
import type { HeadKind } from '../heads/head.js';
import { lowRankNames } from '../layers/low-rank.js';
import { Model } from '../model/model.js';
import type { Lora } from './adapters.js';
import {
  batchOf,
  isReal,
  sizeOf,
  wave,
  writeCheckpoint,
  type Reference,
} from './reference.test.fixture.js';

/** Keys of PEFT's configuration that say what an adapter computes. */
const COMPARED = [
  'peft_type',
  'task_type',
  'r',
  'lora_alpha',
  'lora_dropout',
  'use_rslora',
  'use_dora',
  'bias',
  'fan_in_fan_out',
] as const;

// Low-rank adapters against PEFT's: reference/adapters.py.
interface AdapterReference extends Reference {
  /** PEFT's configuration. */
  readonly adapter: Readonly<Record<(typeof COMPARED)[number], unknown>> & {
    readonly r: number;
    readonly lora_alpha: number;
    readonly use_rslora: boolean;
  };
  /** Shapes of the tensors of the base. */
  readonly base: Readonly<Record<string, readonly number[]>>;
}
const { classes } = JSON.parse(
  readFileSync(new URL('../../reference/adapters.json', import.meta.url), 'utf8'),
) as { classes: Readonly<Record<string, AdapterReference>> };

/** What the reference adapts, by our names. */
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  LlamaForSequenceClassification: ['**.attention.{query,value}', '**.down'],
  LlamaForCausalLM: ['**.{key,output,gate}'],
  BertForTokenClassification: ['**.query', '**.value', '**.up'],
  GPT2LMHeadModel: ['**.qkv', '**.down'],
  T5ForConditionalGeneration: ['**.query', '**.value', '**.down'],
};

/** Heads by how the names of their classes end. */
const HEADS: readonly (readonly [string, HeadKind])[] = [
  ['ForSequenceClassification', 'sequence-classification'],
  ['ForTokenClassification', 'token-classification'],
  ['ForConditionalGeneration', 'sequence-to-sequence'],
  ['', 'causal-language-model'],
];

const runtime = Runtime.open();
const folder = temporaryDirectory();
async function tensorsIn(path: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

async function valuesIn(directory: string, { parameters }: Pick<Model, 'parameters'>) {
  const file = await HuggingFaceModel.open(inDirectory(directory));
  try {
    file.check();
    const values = new Map<string, Float32Array>();
    for (const parameter of parameters) {
      const data = new Float32Array(sizeOf(parameter.shape));
      if (await file.read(parameter, data)) values.set(parameter.name, data);
    }
    return { values, config: file.config };
  } finally {
    await file.close();
  }
}

describe.each(Object.entries(classes))('%s with adapters', (className, reference) => {
  const { adapter: written } = reference;
  const lora: Lora = {
    rank: written.r,
    alpha: written.lora_alpha,
    rankStabilised: written.use_rslora,
    dropout: 0,
    targets: [...TARGETS[className]!],
  };
  let base: string;
  let adapted: string;
  let model: Model;
  const [, head] = HEADS.find(([suffix]) => className.endsWith(suffix))!;
  const batch = batchOf(head);

  beforeAll(async () => {
    base = await mkdtemp(join(folder, 'base-'));
    await writeCheckpoint(base, { ...reference, tensors: reference.base });
    adapted = await mkdtemp(join(folder, 'adapted-'));
    await cp(base, adapted, { recursive: true });
    const sources = Object.entries(reference.tensors).map(([name, shape]) => ({
      name,
      shape,
      data: () => Float32Array.from(wave(name, sizeOf(shape))),
    }));
    await writeSafetensors(join(adapted, 'adapter_model.safetensors'), sources);
    await writeFile(join(adapted, 'adapter_config.json'), JSON.stringify(written));
    const { config } = await valuesIn(base, { parameters: [] });
    model = new Model(runtime, config.model, head, { lora });
    const own = new Set(model.trained.map(({ name }) => name));
    // A head comes with the adapters; the rest of the base is as it was.
    const [before, merged] = [await valuesIn(base, model), await valuesIn(adapted, model)];
    const values = new Map(
      [...before.values].map(([name, value]) => [
        name,
        (own.has(name) ? merged.values.get(name) : undefined) ?? value,
      ]),
    );
    for (const { name, module } of model.adapters)
      for (const [leaf, parameter] of Object.entries(lowRankNames(name))) {
        const tensor = `base_model.model.${module}.lora_${leaf.toUpperCase()}.weight`;
        const { shape } = model.parameters.find((each) => each.name === parameter)!;
        expect(reference.tensors[tensor]).toEqual(shape);
        values.set(parameter, Float32Array.from(wave(tensor, sizeOf(shape))));
      }
    model.load((name) => values.get(name)!);
  });
  afterAll(() => {
    model.unload();
  });

  const expectLogits = ({ logits, shape }: ReturnType<Model['predict']>) => {
    expect(logits.length).toBe(reference.logits.length);
    logits.forEach((logit, index) => {
      const row = Math.floor(index / shape.at(-1)!);
      if (head !== 'sequence-classification' && !isReal(row)) return;
      expect(Math.abs(logit - reference.logits[index]!)).toBeLessThan(1e-4);
    });
  };

  it('trains these and a head that labels alone, with the loss and the gradients of PEFT', async () => {
    // What is made of the weights is kept.
    model.forwardBackward(batch, null, () => undefined);
    const live = runtime.live;
    const gradients = new Map<string, Float32Array>();
    const { lossSum } = model.forwardBackward(batch, null, (name, gradient) => {
      gradients.set(name, runtime.download(gradient) as Float32Array);
    });
    expect(runtime.live).toBe(live);
    expect(Math.abs(lossSum - reference.lossSum)).toBeLessThan(1e-5 * reference.lossSum);
    expectLogits(model.predict(batch));
    // Gradients have the layout of the parameters, so they are written as those are.
    const directory = await mkdtemp(join(folder, 'gradients-'));
    const { config } = await valuesIn(base, { parameters: [] });
    const adaptedNames = new Set(model.adapted.map(({ name }) => name));
    const whole = model.trained.filter(({ name }) => !adaptedNames.has(name));
    const valuesOf = (name: string) => gradients.get(name)!;
    await writePeft(directory, {
      lora,
      adapters: model.adapters,
      head,
      replaced: sourcesOf(
        config,
        whole.map(({ name, shape }) => ({ name, shape, data: valuesOf(name) })),
      ),
      valuesOf,
      base: null,
    });
    const found = await tensorsIn(join(directory, 'adapter_model.safetensors'));
    expect([...found.keys()].sort()).toEqual(Object.keys(reference.gradients).sort());
    for (const [name, expected] of Object.entries(reference.gradients)) {
      const values = found.get(name)!;
      const scale = Math.hypot(...values) * Math.sqrt(values.length);
      expected.forEach((projection, k) => {
        const ours = wave(`${name}/${k}`, values.length).reduce(
          (sum, w, i) => sum + w * values[i]!,
          0,
        );
        expect(Math.abs(ours - projection), name).toBeLessThan(2e-6 * scale + 2e-6);
      });
    }
    const json = JSON.parse(
      await readFile(join(directory, 'adapter_config.json'), 'utf8'),
    ) as AdapterReference['adapter'];
    for (const key of COMPARED) expect(json[key], key).toEqual(written[key]);
  });

  it('at every linear layer have in bfloat16 the gradients of float32, but for rounding', async () => {
    const { config } = await valuesIn(base, { parameters: [] });
    const everywhere: Lora = { ...lora, targets: ['**.blocks.**'] };
    const [exact, rounded] = (['float32', 'bfloat16'] as const).map((precision) => {
      const each = new Model(runtime, config.model, head, { precision, lora: everywhere });
      each.load((name) =>
        Float32Array.from(
          wave(name, sizeOf(each.parameters.find((of) => of.name === name)!.shape)),
        ),
      );
      const found: number[] = [];
      each.forwardBackward(batch, null, (_, gradient) => {
        found.push(...(runtime.download(gradient) as Float32Array));
      });
      each.unload();
      return found;
    }) as [number[], number[]];
    const product = exact.reduce((sum, value, i) => sum + value * rounded[i]!, 0);
    expect(rounded).toHaveLength(exact.length);
    expect(product / Math.hypot(...exact) / Math.hypot(...rounded)).toBeGreaterThan(0.99);
  });

  it('merged into its base has the same logits', async () => {
    const { config } = await valuesIn(base, { parameters: [] });
    const whole = new Model(runtime, config.model, head);
    const { values } = await valuesIn(adapted, whole);
    whole.load((name) => values.get(name)!);
    expectLogits(whole.predict(batch));
    whole.unload();
  });

  it('begins as its base is, in either precision', async () => {
    const { values, config } = await valuesIn(base, model);
    for (const precision of ['float32', 'bfloat16'] as const) {
      const [plain, begun] = [{ precision }, { precision, lora }].map((options) => {
        const each = new Model(runtime, config.model, head, options);
        const initial = each.initialise(1);
        each.load((name) => values.get(name) ?? initial.get(name)!);
        return each;
      });
      expect(begun!.predict(batch)).toEqual(plain!.predict(batch));
      for (const each of [plain!, begun!]) each.unload();
    }
  });

  it('is refused where a tensor of it would be ignored', async () => {
    const path = join(adapted, 'adapter_model.safetensors');
    const name = 'base_model.model.model.embed_tokens.lora_embedding_A';
    const tensors = [...(await tensorsIn(path))].map(([each, data]) => ({
      name: each,
      shape: reference.tensors[each]!,
      data: () => data,
    }));
    const other = await mkdtemp(join(folder, 'other-'));
    await cp(adapted, other, { recursive: true });
    const more = { name, shape: [1, 1], data: () => new Float32Array(1) };
    await writeSafetensors(join(other, 'adapter_model.safetensors'), [...tensors, more]);
    await expect(valuesIn(other, model)).rejects.toMatchObject({
      code: 'MODEL_CONFIG_UNSUPPORTED',
      message: expect.stringContaining(name) as string,
    });
  });
});
