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
import type { Members } from '../access/members.js';
import type { Tokens } from '../access/tokens.js';
import type { PreparedData } from '../artifacts/prepared-data.js';
import type { Removal } from '../artifacts/removal.js';
import type { Fleet } from '../fleet/fleet.js';
import type { JobEvents } from '../jobs/events.js';
import type { Jobs } from '../jobs/jobs.js';
import type { JobLogs } from '../jobs/logs.js';
import type { JobViews } from '../jobs/views.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Preparations } from '../preparation/preparations.js';
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
  readonly fleet: Fleet;
  readonly preparations: Preparations;
  readonly tokens: Tokens;
  readonly members: Members;
  readonly metrics: Metrics;
  readonly status: () => Promise<StatusView>;
  /** Id of the cluster. */
  readonly cluster: string;
  /** ZeroMQ endpoint of the control plane. */
  readonly control: () => string;
  /** CURVE key of the control plane, Z85; null for one that is not encrypted. */
  readonly serverKey: string | null;
  /** The join string with this token. */
  readonly invite: (token: string) => string;
  /** Forgets the token in the home that other machines join with. */
  readonly forgetJoinToken: () => void;
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
