import type { MemoryNeeds } from '@ringmaster/protocol';
import { TILE_QUERIES, WHOLE_QUERIES } from '@ringmaster/tensorflow';
import { adaptersOf, lowRankLinear } from '../families/adapters.js';
import { headOf, networkOf, type ModelConfig } from '../families/families.js';
import { placeOf } from '../families/module-names.js';
import { trainedIn, type Tuning } from '../families/trained.js';
import { hasLabels, type HeadKind } from '../heads/head.js';
import type { ParameterSpec } from '../layers/layer.js';
import { plainLinear } from '../layers/linear.js';
import type { Algorithm } from '../optimizers/algorithm.js';
import { Layout } from '../optimizers/layout.js';
import { State } from '../optimizers/state.js';
import { arenasOf } from './arenas.js';

/** What decides how much memory a trainer takes. */
export interface TrainingShape {
  readonly model: ModelConfig;
  readonly head: HeadKind;
  readonly tuning: Tuning;
  readonly precision: 'float32' | 'bfloat16';
  readonly recompute: boolean;
  readonly algorithm: Algorithm;
  /** Whether the state keeps a moving average of the parameters. */
  readonly keepsAverage: boolean;
  /** Whether early stopping keeps the parameters of the best evaluation. */
  readonly keepsBest: boolean;
  /** int32 planes in which gradients are summed. */
  readonly planes: 1 | 2;
  /** Sequences of the largest microbatch; they are taken to be as long as the context. */
  readonly sequences: number;
  /** Whether they may be shorter, by what the texts are. */
  readonly isPadded: boolean;
  /** Part of the tokens whose prediction is scored, at most; of no account where sequences are labelled. */
  readonly scored: number;
}

const FLOAT_BYTES = 4;
const BFLOAT16_BYTES = 2;
/** Measured: factors in bfloat16 are made anew after every update, and beside those of before. */
const FACTOR_BYTES = 8;
/** Gradients as large as the largest that are there at a time: two staged in the arena, two of TensorFlow's. */
const STAGED = 2;
const EMITTED = 2;
/** Logits of the rows that are scored, and what comes of them. */
const LOGITS = 2;
/** As much as one block keeps is needed beside it while it is computed, forward and backward. */
const TRANSIENT_BLOCKS = 1;
/** Probabilities of a tile, and the gradients of both; its scores again, where a context is several and none are kept. */
const TRANSIENT_TILES = { whole: 3, several: 4 };
/** Measured of a trainer of a tiny model, its libraries apart: docs/decisions/0062-what-a-job-needs.md. */
const RUNTIME_BYTES = 250e6;

/**
 * The memory that a trainer takes, from the shape of what it trains alone: exact for what lies in its arena, and for
 * activations a count of what layers keep, which is within a fifth of what was measured.
 * @throws MODEL_CONFIG_INVALID, FREEZE_UNMATCHED, FREEZE_EVERYTHING, LORA_UNMATCHED
 */
export function trainingMemory(shape: TrainingShape): MemoryNeeds {
  const { model, head: kind, tuning, precision, algorithm, planes } = shape;
  const kept = { keepsAverage: shape.keepsAverage, keepsBest: shape.keepsBest };
  const adapters = tuning.lora === undefined ? [] : adaptersOf(model, tuning.lora);
  const linear = tuning.lora === undefined ? plainLinear : lowRankLinear(adapters, tuning.lora);
  const network = networkOf(model, { recompute: false, linear }).parameters;
  // Matrices that matter to an optimizer are those of the network.
  const ofHead = headOf(model, kind, plainLinear).parameters;
  const head = ofHead.map((parameter) => ({ ...parameter, matrices: undefined }));
  const all = elements([...network, ...head]);
  const trained = Layout.of(trainedIn({ kind, network, head, adapters }, tuning));
  const largest = Math.max(...trained.tensors.map(({ length }) => length));
  const weightBytes = State.byteLength(trained, { ...kept, moments: [] });
  const stateBytes = State.byteLength(trained, { ...kept, moments: algorithm.moments });
  const scratch = Math.max(...trained.tensors.map((tensor) => algorithm.scratch?.(tensor) ?? 0));
  const factors = precision === 'bfloat16' ? FACTOR_BYTES * all : 0;
  const parts = {
    runtime: RUNTIME_BYTES,
    weights: weightBytes + FLOAT_BYTES * (all - trained.parameterCount) + factors,
    moments: stateBytes - weightBytes + FLOAT_BYTES * scratch,
    gradients:
      FLOAT_BYTES *
      (arenasOf(trained.length, planes) * planes * trained.length + (STAGED + EMITTED) * largest),
    activations: activationBytes(shape, network),
  };
  const bytes = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return {
    bytes,
    least: shape.isPadded ? bytes - parts.activations : bytes,
    parts,
    checkpoint: stateBytes,
  };
}

/**
 * Each linear layer of a block reads a row for each token, which is kept for the gradient of its weights, and writes one,
 * which is kept by what comes after it. Without recomputation all blocks are kept, with it their inputs alone.
 */
function activationBytes(shape: TrainingShape, network: readonly ParameterSpec[]): number {
  const { model, head, precision, recompute, sequences, scored } = shape;
  const tokens = sequences * model.context;
  const blocks = new Map<string, number>();
  for (const { name, shape } of network) {
    const [outputs, inputs] = shape;
    const { block } = placeOf(name);
    if (block === null || outputs === undefined || inputs === undefined) continue;
    const at = name.slice(0, name.indexOf(`blocks.${block}.`)) + block;
    blocks.set(at, (blocks.get(at) ?? 0) + tokens * (outputs + inputs));
  }
  // Products of bfloat16 have the scores of a tile in memory, which are kept where it is the only one.
  const isWhole = model.context <= WHOLE_QUERIES;
  const tile =
    precision === 'bfloat16' && 'heads' in model
      ? BFLOAT16_BYTES * tokens * model.heads * (isWhole ? model.context : TILE_QUERIES)
      : 0;
  const scores = isWhole ? tile : 0;
  const kept = [...blocks.values()].map((values) => FLOAT_BYTES * values + scores);
  const largest = Math.max(0, ...kept);
  const ofBlocks = recompute
    ? blocks.size * FLOAT_BYTES * tokens * model.hidden + largest
    : kept.reduce((sum, bytes) => sum + bytes, 0);
  const classes = hasLabels(head) ? (model.labels ?? 0) : model.vocabulary;
  const rows = head === 'sequence-classification' ? sequences : tokens * scored;
  const transient =
    TRANSIENT_BLOCKS * largest + TRANSIENT_TILES[isWhole ? 'whole' : 'several'] * tile;
  return Math.ceil(ofBlocks + transient + LOGITS * FLOAT_BYTES * rows * classes);
}

function elements(parameters: readonly ParameterSpec[]): number {
  return parameters.reduce(
    (sum, { shape }) => sum + shape.reduce((product, dimension) => product * dimension, 1),
    0,
  );
}
