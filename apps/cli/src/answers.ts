import {
  incidentViewSchema,
  joinAnswerSchema,
  jobCheckSchema,
  jobFileSchema,
  jobEventSchema,
  jobViewSchema,
  ledgerViewSchema,
  modelViewSchema,
  nameViewSchema,
  newTokenSchema,
  preparedDataViewSchema,
  profileViewSchema,
  pruneViewSchema,
  statusViewSchema,
  stepPointSchema,
  tokenViewSchema,
  workerViewSchema,
} from '@ringmaster/protocol';
import type { z } from 'zod';
import type { Answers } from './answer-types.js';

const schemas: { readonly [Name in keyof Answers]: z.ZodType<Answers[Name]> } = {
  status: statusViewSchema,
  workers: workerViewSchema.array(),
  job: jobViewSchema,
  jobs: jobViewSchema.array(),
  check: jobCheckSchema,
  spec: jobFileSchema,
  steps: stepPointSchema.array(),
  event: jobEventSchema,
  incidents: incidentViewSchema.array(),
  ledger: ledgerViewSchema,
  profile: profileViewSchema,
  model: modelViewSchema,
  models: modelViewSchema.array(),
  name: nameViewSchema,
  data: preparedDataViewSchema.array(),
  prune: pruneViewSchema,
  tokens: tokenViewSchema.array(),
  newToken: newTokenSchema,
  join: joinAnswerSchema,
};

/**
 * An answer of the API, checked.
 * @param refusal Makes the error of one that is something else.
 */
export function checkAnswer<Name extends keyof Answers>(
  name: Name,
  answer: unknown,
  refusal: (reason: string) => Error,
): Answers[Name] {
  const parsed = schemas[name].safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refusal(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
