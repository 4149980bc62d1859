import { z } from 'zod';
import { scopeSchema } from '../security/scopes.js';

/** Longest name of a token: it is shown in tables. */
const LONGEST_NAME = 60;

export const tokenRequestSchema = z.strictObject({
  name: z.string().min(1).max(LONGEST_NAME).describe('What it is for, or whose it is.'),
  scopes: z.array(scopeSchema).min(1),
});

export const tokenViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(scopeSchema),
  createdAt: z.string(),
});

/** A token at the only time when it is shown. */
export const newTokenSchema = tokenViewSchema.extend({
  token: z.string(),
  join: z.string().describe('Address, token, key and fingerprint in one string.'),
});

/** What a machine tells of itself before it joins. */
export const joinRequestSchema = z.object({
  version: z.string(),
  host: z.string(),
  processor: z.string().describe('Architecture and instruction sets that kernels choose between.'),
  time: z.number().describe('Milliseconds since 1970 by its clock.'),
  publicKey: z
    .string()
    .length(40)
    .describe('Its own CURVE key, Z85: the control plane lets it in.'),
});

export const joinAnswerSchema = z.object({
  cluster: z.string(),
  control: z.string().describe('ZeroMQ endpoint of the control plane.'),
  serverKey: z
    .string()
    .nullable()
    .describe('CURVE key of the control plane, Z85; null for one that is not encrypted.'),
});

/** Where a machine joins a cluster: what a join string holds, or an address and what is known of it. */
export interface Entrance {
  /** Base URL of the HTTP API. */
  readonly url: string;
  /** Null for a cluster that asks for none. */
  readonly token: string | null;
  /** SHA-256 of the API's certificate; null where it is not pinned, or there is none. */
  readonly fingerprint: string | null;
  /** Public key of the control plane's CURVE, Z85; null where the API is asked for it. */
  readonly serverKey: string | null;
}

/** What `home/membership.json` holds of a machine that has joined a cluster elsewhere. */
export interface Membership extends Entrance {
  readonly cluster: string;
  /** ZeroMQ endpoint of the control plane. */
  readonly control: string;
  /** CURVE keys of this home, Z85. */
  readonly publicKey: string;
  readonly secretKey: string;
}

export type TokenRequest = z.infer<typeof tokenRequestSchema>;
export type TokenView = z.infer<typeof tokenViewSchema>;
export type NewToken = z.infer<typeof newTokenSchema>;
export type JoinRequest = z.infer<typeof joinRequestSchema>;
export type JoinAnswer = z.infer<typeof joinAnswerSchema>;
