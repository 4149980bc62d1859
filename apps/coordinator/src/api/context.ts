import type { BlobStore } from '@ringmaster/data';
import type { StatusView } from '@ringmaster/protocol';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { PreparedData } from '../artifacts/prepared-data.js';
import type { Removal } from '../artifacts/removal.js';
import type { Workers } from '../fleet/workers.js';
import type { JobEvents } from '../jobs/events.js';
import type { Jobs } from '../jobs/jobs.js';
import type { JobLogs } from '../jobs/logs.js';
import type { JobViews } from '../jobs/views.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Store } from '../store/store.js';

/** What the routes answer from. */
export interface ApiContext {
  readonly jobs: Jobs;
  readonly views: JobViews;
  readonly events: JobEvents;
  readonly logs: JobLogs;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly prepared: PreparedData;
  readonly removal: Removal;
  readonly workers: Workers;
  readonly metrics: Metrics;
  readonly status: () => Promise<StatusView>;
  readonly isReady: () => boolean;
  /** Ends the cluster; jobs have so long to save their state. */
  readonly shutDown: (saveMs: number) => void;
}

/** A server whose requests and answers are typed by their zod schemas. */
export type Server = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
