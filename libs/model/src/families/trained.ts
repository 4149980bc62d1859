import { frozenBy } from '@ringmaster/protocol';
import { hasLabels, type HeadKind } from '../heads/head.js';
import type { ParameterSpec } from '../layers/layer.js';
import { lowRankNames } from '../layers/low-rank.js';
import type { Adapter, Lora } from './adapters.js';

/** What of a model is trained, as a job file says it; everything where it says nothing. */
export interface Tuning {
  /** Patterns over names of parameters that keep their values. */
  readonly freeze?: readonly string[] | undefined;
  /** Low-rank adapters: of the rest, only a head that predicts labels is trained. */
  readonly lora?: Lora | undefined;
}

/** The parameters of a model by what they belong to. */
export interface ModelParts {
  readonly kind: HeadKind;
  readonly network: readonly ParameterSpec[];
  readonly head: readonly ParameterSpec[];
  readonly adapters: readonly Adapter[];
}

/** The parameters of a model's adapters. */
export function adaptedIn({ network, adapters }: ModelParts): ParameterSpec[] {
  const names = new Set(adapters.flatMap(({ name }) => Object.values(lowRankNames(name))));
  return network.filter(({ name }) => names.has(name));
}

/**
 * The parameters of a model that have gradients, in their order: all but constants and the frozen ones; with adapters these alone, and
 * a head that predicts labels, which no base has.
 * @throws FREEZE_UNMATCHED, FREEZE_EVERYTHING
 */
export function trainedIn(parts: ModelParts, { freeze = [], lora }: Tuning): ParameterSpec[] {
  const all = [...parts.network, ...parts.head].filter(({ isConstant }) => isConstant !== true);
  if (lora === undefined) {
    const frozen = frozenBy(
      freeze,
      all.map(({ name }) => name),
    );
    return all.filter(({ name }) => !frozen.has(name));
  }
  const trained = new Set([...adaptedIn(parts), ...(hasLabels(parts.kind) ? parts.head : [])]);
  return all.filter((parameter) => trained.has(parameter));
}
