import { adaptedBy, type LoraSection } from '@ringmaster/protocol';
import { plainLinear, type LinearFactory } from '../layers/linear.js';
import { LowRankLinear, type LowRankAdapter } from '../layers/low-rank.js';
import { networkOf, tensorNamesOf, type ModelConfig } from './families.js';
import { placeOf } from './module-names.js';
import type { TensorNames } from './family.js';

/** Low-rank adapters as a job file describes them. */
export type Lora = LoraSection;

/** An adapter of a network, and the module of a checkpoint that it belongs to. */
export interface Adapter extends LowRankAdapter {
  readonly inputs: number;
  /** Name of the module in checkpoints of a class with a head. */
  readonly module: string;
  /** Whether checkpoints hold the module's weights as [in, out]. */
  readonly transposed: boolean;
}

/** What the products of adapters are multiplied with. */
export function loraScale({
  rank,
  alpha,
  rankStabilised,
}: Pick<Lora, 'rank' | 'alpha' | 'rankStabilised'>): number {
  return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
}

/**
 * The adapters that the network of a model gets.
 * @throws LORA_UNMATCHED, MODEL_CONFIG_INVALID
 */
export function adaptersOf(config: ModelConfig, { targets }: Pick<Lora, 'targets'>): Adapter[] {
  const tensors = tensorNamesOf(config);
  const all: Adapter[] = [];
  const linear: LinearFactory = (name, inputs, outputs, deviation, options) => {
    all.push(...adaptersIn(tensors, { name, inputs, outputs, parts: options?.parts }));
    return plainLinear(name, inputs, outputs, deviation, options);
  };
  networkOf(config, { recompute: false, linear });
  const chosen = adaptedBy(
    targets,
    all.map(({ name }) => name),
  );
  return all.filter(({ name }) => chosen.has(name));
}

/** Makes linear layers with those of the adapters that are theirs. */
export function lowRankLinear(adapters: readonly Adapter[], lora: Lora): LinearFactory {
  return (name, inputs, outputs, deviation, options) => {
    const layer = plainLinear(name, inputs, outputs, deviation, options);
    const names = [name, ...(options?.parts ?? [])];
    const own = adapters.filter((adapter) => names.includes(adapter.name));
    if (own.length === 0) return layer;
    const { rank, dropout } = lora;
    return new LowRankLinear(layer, own, {
      inputs,
      outputs,
      rank,
      scale: loraScale(lora),
      dropout,
    });
  };
}

interface LinearShape {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parts: readonly string[] | undefined;
}

/** The adapters that a linear layer may have: one, or one for each part that checkpoints keep apart. */
function adaptersIn(
  { modules, transposed }: TensorNames,
  { name, inputs, outputs, parts }: LinearShape,
): Adapter[] {
  const { block, module } = placeOf(name);
  const found = Object.hasOwn(modules, module) ? modules[module] : undefined;
  if (block === null || found === undefined) return [];
  const apart = typeof found === 'string' ? [found] : found;
  const names = apart.length > 1 ? (parts ?? []) : [name];
  const rows = outputs / apart.length;
  return names.map((each, at) => ({
    name: each,
    inputs,
    first: at * rows,
    outputs: rows,
    module: (apart[at] ?? '').replace('#', block),
    transposed,
  }));
}
