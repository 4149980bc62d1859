import { frozenHash, type Model } from '@ringmaster/model';

/** Parameters that keep the values that the run begins with. They are no part of the state, which names their hash. */
export interface Frozen {
  readonly values: ReadonlyMap<string, Float32Array>;
  /** `frozenHash`; null where nothing is frozen. */
  readonly hash: string | null;
  /** Elements of all. */
  readonly parameterCount: number;
}

/** The frozen parameters of a model. @param read Reads or makes initial values. */
export async function frozenOf(
  model: Model,
  read: (parameters: Model['parameters']) => Promise<(name: string) => Float32Array>,
): Promise<Frozen> {
  const trained = new Set(model.trained.map(({ name }) => name));
  const parameters = model.parameters.filter(({ name }) => !trained.has(name));
  if (parameters.length === 0) return { values: new Map(), hash: null, parameterCount: 0 };
  const valuesOf = await read(parameters);
  const values = new Map(parameters.map(({ name }) => [name, valuesOf(name)]));
  return {
    values,
    // Each is made once: a large one takes its time to be drawn.
    hash: frozenHash(parameters, (name) => values.get(name) ?? valuesOf(name)),
    parameterCount: [...values.values()].reduce((sum, { length }) => sum + length, 0),
  };
}
