import { z } from 'zod';

/**
 * What a token is for.
 * - `read`: to see jobs, models, data, workers and what they tell, with the bytes of models and data.
 * - `submit`: to submit jobs and to ask something of them, and to bring models; with that, to read.
 * - `join`: to compute as a worker, which reads data and brings checkpoints and models; with that, to read.
 * - `admin`: everything: to remove what is kept, to make and revoke tokens, to end the cluster.
 */
export const scopes = ['read', 'submit', 'join', 'admin'] as const;

export type Scope = (typeof scopes)[number];

export const scopeSchema = z.enum(scopes);

/**
 * What something asks of whoever wants it: a scope, `nothing` where everybody who can connect may, or `store` for what
 * those who submit and those who join do alike: to bring blobs.
 */
export type Need = 'nothing' | 'store' | Scope;

const permitted: Readonly<Record<Scope, readonly Need[]>> = {
  read: ['nothing', 'read'],
  submit: ['nothing', 'read', 'store', 'submit'],
  join: ['nothing', 'read', 'store', 'join'],
  admin: ['nothing', 'read', 'store', 'submit', 'join', 'admin'],
};

/** Whether a token with these scopes may have what asks for `need`. */
export function permits(given: readonly Scope[], need: Need): boolean {
  return need === 'nothing' || given.some((scope) => permitted[scope].includes(need));
}
