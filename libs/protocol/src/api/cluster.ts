import { z } from 'zod';
import { processIdentitySchema } from '../process-identity.js';
import { storageViewSchema } from './storage.js';

/** What `home/coordinator.json` holds while a coordinator runs. */
export const coordinatorFileSchema = z.object({
  cluster: z.string(),
  ...processIdentitySchema.shape,
  /** Base URL of the HTTP API. */
  url: z.string(),
  /** SHA-256 of the certificate there, in lower-case hexadecimal; null where it is not pinned, or there is none. */
  fingerprint: z.string().nullable().default(null),
  /** ZeroMQ endpoint of the control plane. */
  control: z.string(),
});

/**
 * - `alive`: heard within its lease.
 * - `leaving`: it wants to go; it takes no more trainers, and those it has are being replaced.
 * - `quarantined`: it computed other bytes than the rest, or trainers keep dying on it, and is given no more of them.
 * - `lost`: not heard for a lease; it may come back.
 * - `left`: it said goodbye.
 */
export const workerStates = ['alive', 'leaving', 'quarantined', 'lost', 'left'] as const;

export const workerViewSchema = z.object({
  id: z.string(),
  host: z.string(),
  ...processIdentitySchema.shape,
  /** Process id of its newest trainer, or null. */
  trainerPid: z.int().nullable(),
  slots: z.int(),
  threads: z.int(),
  device: z.string(),
  /** Bytes that its trainers may take, and those of other workers that share it; null where it does not tell. */
  memory: z.int().nullable(),
  state: z.enum(workerStates),
  /** Id of the job that its trainer works on, or null. */
  job: z.string().nullable(),
});

export const statusViewSchema = z.object({
  cluster: z.string(),
  version: z.string(),
  url: z.string(),
  uptimeSeconds: z.number(),
  workers: z.array(workerViewSchema).describe('The first 1,000, by id.'),
  workerCounts: z.record(z.string(), z.int()).describe('Workers by state, all of them.'),
  jobs: z.record(z.string(), z.int()).describe('Jobs by state.'),
  storage: storageViewSchema.nullable().describe('Null until it has been measured.'),
});

export type CoordinatorFile = z.infer<typeof coordinatorFileSchema>;
export type WorkerView = z.infer<typeof workerViewSchema>;
export type StatusView = z.infer<typeof statusViewSchema>;
