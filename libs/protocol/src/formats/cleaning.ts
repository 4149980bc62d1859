import { z } from 'zod';
import { languages } from './languages.js';

/**
 * Rules that bring a text into the form in which it is hashed, compared and tokenized; `@ringmaster/data` has them
 * (`clean/clean.ts`). What a model's data were cleaned by, in order, is in its manifest: texts to predict are cleaned alike.
 * A rule that is changed gets another name.
 */
const cleaningRules = [
  'newlines',
  'control-characters',
  'unicode-nfc',
  'unicode-nfkc',
  'html',
  'encoded-attachment',
  'list-footer',
  'quoted-reply',
  'spaces',
  'whitespace',
  'email-addresses',
  'card-numbers',
  'ip-addresses',
  'phone-numbers',
] as const;
export const cleaningRuleSchema = z.enum(cleaningRules);
export type CleaningRule = z.infer<typeof cleaningRuleSchema>;

/**
 * Filters choose what is learned from: they leave out lines or whole documents (`clean/filters/`). No text to predict is
 * filtered. One that is changed gets another name.
 */
const plainFilters = [
  'c4-lines',
  'c4-pages',
  'duplicate-lines',
  'gopher-quality',
  'gopher-stop-words',
  'gopher-repetition',
] as const;

const characters = z.int().min(0).optional();

/** Filters that need to be told something. */
const toldFilters = {
  length: z
    .strictObject({
      minimum: characters.describe('Characters that a document has at least.'),
      maximum: characters.describe('Characters that a document has at most.'),
    })
    .refine(
      ({ minimum, maximum }) => (minimum ?? maximum) !== undefined,
      "needs 'minimum', 'maximum' or both",
    )
    .describe('Leaves out documents that are shorter or longer.'),
  language: z
    .array(z.enum(languages))
    .min(1)
    .describe(
      'Leaves out documents in other languages than these, by their codes of ISO 639-1, as far as it can be told.',
    ),
};

export const filterSchema = z.union([
  z.enum(plainFilters),
  z.strictObject({ length: toldFilters.length }),
  z.strictObject({ language: toldFilters.language }),
]);
export type Filter = z.infer<typeof filterSchema>;

/** One step of cleaning: steps are taken in order. */
export type CleaningStep = CleaningRule | Filter;

/** Names that stand for several steps. `default` is what the format of the files asks for. */
export const cleaningSets = {
  c4: ['c4-lines', 'c4-pages'],
  gopher: ['gopher-quality', 'gopher-stop-words', 'gopher-repetition'],
  'personal-data': ['email-addresses', 'ip-addresses', 'card-numbers', 'phone-numbers'],
} as const satisfies Record<string, readonly CleaningStep[]>;
export type CleaningSet = keyof typeof cleaningSets;

/** Each name that a job file can give under `data.cleaning`. */
const cleaningNames = [
  'default',
  ...(Object.keys(cleaningSets) as CleaningSet[]),
  ...cleaningRules,
  ...plainFilters,
] as const;

/** A step as a job file gives it. */
export const givenStepSchema = z.union([
  z.enum(cleaningNames),
  z.strictObject({ length: toldFilters.length }),
  z.strictObject({ language: toldFilters.language }),
]);
export type GivenStep = z.infer<typeof givenStepSchema>;

/** The steps that a job file means. @param preset What `default` stands for. */
export function cleaningSteps(
  given: readonly GivenStep[] | undefined,
  preset: readonly CleaningRule[],
): readonly CleaningStep[] {
  if (given === undefined) return preset;
  return given.flatMap((step): readonly CleaningStep[] => {
    if (step === 'default') return preset;
    return isSet(step) ? cleaningSets[step] : [step];
  });
}

const isSet = (step: GivenStep): step is CleaningSet =>
  typeof step === 'string' && Object.hasOwn(cleaningSets, step);

/** Whether a step brings texts into a form, and leaves none out. */
export const isRule = (step: CleaningStep): step is CleaningRule =>
  typeof step === 'string' && (cleaningRules as readonly string[]).includes(step);

/** Whether a step chooses what is learned from. */
export const isFilter = (step: CleaningStep): step is Filter => !isRule(step);

/** What a step is called in counts and examples. */
export function nameOfStep(step: CleaningStep): string {
  return typeof step === 'string' ? step : (Object.keys(step)[0] ?? '');
}
