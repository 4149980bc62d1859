import { z } from 'zod';
import { size } from './shape.js';

const factor = z.number().min(1);

/**
 * How rotary positions are scaled for contexts longer than a model was trained on, as `transformers` names it. `dynamic`
 * begins beyond the context, which no sequence here is: up to there it is the default.
 */
export const rotaryScaling = z.discriminatedUnion('type', [
  z.object({ type: z.literal('default') }),
  z.object({ type: z.literal('linear'), factor }),
  z.object({ type: z.literal('dynamic'), factor }),
  z.object({
    type: z.literal('llama3'),
    factor,
    lowFrequencyFactor: z.number().positive(),
    highFrequencyFactor: z.number().positive(),
    /** The context that the model was trained on first. */
    originalContext: size,
  }),
]);

export type RotaryScaling = z.output<typeof rotaryScaling>;

/** What a frequency, in radians a token, becomes. */
export function scalingOf(scaling: RotaryScaling): (frequency: number) => number {
  switch (scaling.type) {
    case 'default':
    case 'dynamic':
      return (frequency) => frequency;
    case 'linear':
      return (frequency) => frequency / scaling.factor;
    case 'llama3': {
      // Dubey et al., "The Llama 3 herd of models", 2024: slow turns are scaled, fast ones are not, those in between are mixed.
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalContext } = scaling;
      return (frequency) => {
        const turns = (originalContext * frequency) / (2 * Math.PI);
        const between = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
        const kept = Math.min(1, Math.max(0, between));
        return (1 - kept) * (frequency / factor) + kept * frequency;
      };
    }
  }
}

const scalingKeys = z
  .looseObject({
    rope_type: z.string().optional(),
    type: z.string().optional(),
    partial_rotary_factor: z.literal(1).optional(),
  })
  .transform(({ rope_type, type, ...rest }) => ({
    ...rest,
    rope_type: rope_type ?? type ?? 'default',
  }))
  .pipe(
    z.discriminatedUnion('rope_type', [
      z.looseObject({ rope_type: z.literal('default') }),
      z.looseObject({ rope_type: z.literal('linear'), factor }),
      z.looseObject({ rope_type: z.literal('dynamic'), factor }),
      z.looseObject({
        rope_type: z.literal('llama3'),
        factor,
        low_freq_factor: z.number().positive(),
        high_freq_factor: z.number().positive(),
        original_max_position_embeddings: size,
      }),
    ]),
  )
  .transform((from): RotaryScaling => {
    switch (from.rope_type) {
      case 'default':
        return { type: 'default' };
      case 'linear':
      case 'dynamic':
        return { type: from.rope_type, factor: from.factor };
      case 'llama3':
        return {
          type: 'llama3',
          factor: from.factor,
          lowFrequencyFactor: from.low_freq_factor,
          highFrequencyFactor: from.high_freq_factor,
          originalContext: from.original_max_position_embeddings,
        };
    }
  });

/** Keys of `config.json` about rotary positions: those of transformers 4, and those of 5, which go before. */
export const rotaryKeys = {
  rope_theta: z.number().min(1).optional(),
  rope_scaling: scalingKeys.nullish(),
  rope_parameters: z
    .object({ rope_theta: z.number().min(1).optional() })
    .transform(({ rope_theta }) => ({ base: rope_theta }))
    .and(scalingKeys)
    .nullish(),
};

/** What those keys say. */
export function rotaryOf(
  from: z.output<z.ZodObject<typeof rotaryKeys>>,
  defaultBase: number,
): { readonly rotaryBase: number; readonly rotaryScaling: RotaryScaling } {
  const { rope_theta, rope_scaling, rope_parameters } = from;
  const { base, ...scaling } = rope_parameters ?? {
    base: undefined,
    ...(rope_scaling ?? { type: 'default' as const }),
  };
  return { rotaryBase: base ?? rope_theta ?? defaultBase, rotaryScaling: scaling };
}

/** The keys that say it, for transformers 4 and 5 both. */
export function formatRotary(rotaryBase: number, scaling: RotaryScaling) {
  const written = writtenScaling(scaling);
  return {
    rope_theta: rotaryBase,
    rope_scaling: scaling.type === 'default' ? null : written,
    rope_parameters: { rope_theta: rotaryBase, ...written },
  };
}

function writtenScaling(scaling: RotaryScaling): Readonly<Record<string, string | number>> {
  switch (scaling.type) {
    case 'default':
      return { rope_type: 'default' };
    case 'linear':
    case 'dynamic':
      return { rope_type: scaling.type, factor: scaling.factor };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalContext,
      };
  }
}
