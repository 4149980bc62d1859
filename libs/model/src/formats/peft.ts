import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { loraScale, type Adapter, type Lora } from '../families/adapters.js';
import { hasLabels, type HeadKind } from '../heads/head.js';
import { lowRankNames } from '../layers/low-rank.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type ModelFiles } from './model-files.js';
import { SafetensorsFile, writeSafetensors, type TensorSource } from './safetensors.js';
import type { Part } from './tensor-names.js';

// The layout of PEFT (https://github.com/huggingface/peft, `LoraConfig`, `get_peft_model_state_dict`).

/** What stands before the names of modules in the names of PEFT's tensors. */
const PREFIX = 'base_model.model.';

const nothing = z.union([z.null(), z.strictObject({}), z.tuple([])]).optional();
const configSchema = z
  .looseObject({
    peft_type: z.literal('LORA'),
    r: z.int().positive(),
    lora_alpha: z.number(),
    use_rslora: z.boolean().default(false),
    use_dora: z.literal(false).default(false),
    bias: z.literal('none').default('none'),
    rank_pattern: nothing,
    alpha_pattern: nothing,
  })
  .transform(({ r, lora_alpha, use_rslora }) => ({
    rank: r,
    alpha: lora_alpha,
    rankStabilised: use_rslora,
  }));

/** Adapters in the layout of PEFT, open for reading. */
export class PeftAdapter {
  readonly #file: SafetensorsFile;
  readonly #config: z.output<typeof configSchema>;
  /** Names of tensors that nothing was asked of. */
  readonly #unknown: Set<string>;

  private constructor(file: SafetensorsFile, config: z.output<typeof configSchema>) {
    this.#file = file;
    this.#config = config;
    this.#unknown = new Set(file.tensors.keys());
  }

  /**
   * The adapters that stand beside a model's weights; null for none.
   * @throws MODEL_FILE_UNREADABLE, MODEL_CONFIG_UNSUPPORTED, SAFETENSORS_INVALID
   */
  static async open(files: ModelFiles): Promise<PeftAdapter | null> {
    if (!files.has(ADAPTER_CONFIG)) return null;
    const config = await readConfig(files.path(ADAPTER_CONFIG));
    return new PeftAdapter(await SafetensorsFile.open(files.path(ADAPTER_WEIGHTS)), config);
  }

  /** Whether a tensor of the base is replaced, as the adapters of a classifier bring its head along. */
  replaces(name: string): boolean {
    const stored = `${PREFIX}${name}`;
    this.#unknown.delete(stored);
    return this.#file.tensors.has(stored);
  }

  /** What takes the place of a tensor of the base. @throws MODEL_TENSOR_SHAPE, SAFETENSORS_DTYPE */
  async replacement({ name, shape }: Part): Promise<Float32Array> {
    return this.#read(`${PREFIX}${name}`, shape);
  }

  /**
   * Checks the form of what is added to a tensor of the base.
   * @throws MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, SAFETENSORS_DTYPE
   */
  check(part: Part): void {
    const pair = this.#pairOf(part);
    if (pair !== null)
      for (const [name, shape] of pair) {
        this.#checkShape(name, shape);
        this.#file.checkDtype(name);
      }
  }

  /** @throws MODEL_CONFIG_UNSUPPORTED where there are tensors that nothing was asked of, which would be ignored */
  checkAllKnown(): void {
    const [name] = this.#unknown;
    if (name === undefined) return;
    const reason = `its adapters are of ${name}, and only those of linear layers and of heads are read`;
    throw new RingmasterError('MODEL_CONFIG_UNSUPPORTED', { path: this.#file.path, reason });
  }

  /** Adds s · B · A to rows [out, in] of weights, which are a part. */
  async addTo(part: Part, rows: Float32Array): Promise<void> {
    const pair = this.#pairOf(part);
    if (pair === null) return;
    const [[aName, aShape], [bName, bShape]] = pair;
    const [a, b] = [await this.#read(aName, aShape), await this.#read(bName, bShape)];
    const [rank, inputs] = aShape;
    const scale = loraScale(this.#config);
    const row = new Float64Array(inputs);
    for (let output = 0; output < bShape[0]; output++) {
      row.fill(0);
      for (let r = 0; r < rank; r++) {
        const factor = b[output * rank + r] ?? 0;
        for (let input = 0; input < inputs; input++)
          row[input] = (row[input] ?? 0) + factor * (a[r * inputs + input] ?? 0);
      }
      for (let input = 0; input < inputs; input++) {
        const at = output * inputs + input;
        rows[at] = (rows[at] ?? 0) + scale * (row[input] ?? 0);
      }
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Names and shapes of A [r, in] and B [out, r] of a part; null for none. */
  #pairOf({ name, shape, transposed }: Part) {
    if (!name.endsWith('.weight') || shape.length !== 2) return null;
    const module = `${PREFIX}${name.slice(0, -'.weight'.length)}`;
    const [a, b] = [`${module}.lora_A.weight`, `${module}.lora_B.weight`];
    if (!this.#file.tensors.has(a) && !this.#file.tensors.has(b)) return null;
    this.#unknown.delete(a);
    this.#unknown.delete(b);
    const [outputs = 0, inputs = 0] = transposed ? shape.toReversed() : shape;
    const { rank } = this.#config;
    return [
      [a, [rank, inputs]],
      [b, [outputs, rank]],
    ] as const satisfies readonly (readonly [string, readonly [number, number]])[];
  }

  #checkShape(name: string, expected: readonly number[]): void {
    const { path, tensors } = this.#file;
    const found = tensors.get(name)?.shape;
    if (found === undefined)
      throw new RingmasterError('MODEL_TENSOR_MISSING', { path, tensor: name });
    if (found.join() !== expected.join())
      throw new RingmasterError('MODEL_TENSOR_SHAPE', { path, tensor: name, expected, found });
  }

  async #read(name: string, shape: readonly number[]): Promise<Float32Array> {
    this.#checkShape(name, shape);
    return this.#file.read(name);
  }
}

async function readConfig(path: string): Promise<z.output<typeof configSchema>> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const [issue] = cause instanceof z.ZodError ? cause.issues : [];
    const reason =
      issue === undefined
        ? 'it is no configuration of PEFT'
        : `${issue.path.join('.')}: ${issue.message}`;
    throw new RingmasterError('MODEL_CONFIG_UNSUPPORTED', { path, reason }, { cause });
  }
}

/** What a trained adapter is written from. */
export interface PeftSource {
  readonly lora: Lora;
  readonly adapters: readonly Adapter[];
  readonly head: HeadKind;
  /** The trained tensors of the head, as a checkpoint has them. */
  readonly replaced: readonly TensorSource[];
  /** Values of a parameter. */
  readonly valuesOf: (name: string) => Float32Array;
  /** What the base is called. */
  readonly base: string | null;
}

const TASK_TYPES: Readonly<Record<HeadKind, string | null>> = {
  'masked-language-model': null,
  'causal-language-model': 'CAUSAL_LM',
  'sequence-classification': 'SEQ_CLS',
  'token-classification': 'TOKEN_CLS',
  'sequence-to-sequence': 'SEQ_2_SEQ_LM',
  'negative-sampling': null,
};

/** Writes adapters as `PeftModel.from_pretrained` reads them. Returns the names of the files. */
export async function writePeft(directory: string, source: PeftSource): Promise<readonly string[]> {
  const { lora, adapters, head, replaced, valuesOf, base } = source;
  const moduleOf = (tensor: string) => tensor.slice(0, tensor.lastIndexOf('.'));
  const tensors = adapters.flatMap(({ name, module, inputs, outputs }): TensorSource[] => {
    const { a, b } = lowRankNames(name);
    const named = (leaf: string) => `${PREFIX}${module}.${leaf}.weight`;
    return [
      { name: named('lora_A'), shape: [lora.rank, inputs], data: () => valuesOf(a) },
      { name: named('lora_B'), shape: [outputs, lora.rank], data: () => valuesOf(b) },
    ];
  });
  const whole = replaced.map((tensor) => ({ ...tensor, name: `${PREFIX}${tensor.name}` }));
  const saved = [...new Set(replaced.map(({ name }) => moduleOf(name)))];
  const config = {
    peft_type: 'LORA',
    task_type: TASK_TYPES[head],
    base_model_name_or_path: base,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: lora.dropout,
    use_rslora: lora.rankStabilised,
    use_dora: false,
    bias: 'none',
    fan_in_fan_out: adapters.some(({ transposed }) => transposed),
    target_modules: adapters.map(({ module }) => module),
    modules_to_save: hasLabels(head) ? saved : null,
    inference_mode: true,
  };
  await writeSafetensors(join(directory, ADAPTER_WEIGHTS), [...tensors, ...whole]);
  await writeFile(join(directory, ADAPTER_CONFIG), `${JSON.stringify(config, null, 2)}\n`);
  return [ADAPTER_CONFIG, ADAPTER_WEIGHTS];
}
