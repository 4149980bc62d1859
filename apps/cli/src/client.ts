import type { Readable } from 'node:stream';
import {
  RingmasterError,
  type JobEvent,
  type JobSpec,
  type JobState,
  type JoinRequest,
  type TokenRequest,
} from '@ringmaster/protocol';
import { RemoteFailure } from './failure.js';
import type { Location } from './location.js';
import { Requests } from './requests.js';

/** Which jobs a list has: what is given must match. */
export interface JobsWanted {
  readonly limit: number;
  readonly state?: JobState | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
}

const PRUNE_MS = 60 * 60_000;
const MOST_INCIDENTS = 1000;

/**
 * The HTTP API.
 * @throws COORDINATOR_UNREACHABLE when nobody answers, and what the coordinator answers with.
 */
export class Client {
  readonly #requests: Requests;

  constructor(location: Location) {
    this.#requests = new Requests(location);
  }

  get url(): string {
    return this.#requests.location.url();
  }

  get token(): string | null {
    return this.#requests.location.token();
  }

  get fingerprint(): string | null {
    return this.#requests.location.fingerprint();
  }

  /** Whether a coordinator serves; one that is going down still answers. */
  isReady = () => this.#requests.answers('/readyz');
  /** Whether a coordinator answers at all. */
  isAlive = () => this.#requests.answers('/healthz');

  status = () => this.#requests.get('/v1/status', 'status');
  /** By id. */
  workers = () => this.#requests.pages('/v1/workers', 'workers', Infinity);
  /** Newest first. */
  jobs({ limit, ...filter }: JobsWanted) {
    const query = Object.entries<string | undefined>({ ...filter }).flatMap(([key, value]) =>
      value === undefined ? [] : [`&${key}=${encodeURIComponent(value)}`],
    );
    return this.#requests.pages('/v1/jobs', 'jobs', limit, query.join(''));
  }

  job = (id: string) => this.#requests.get(`/v1/jobs/${segment(id)}`, 'job');
  /** Newest first. */
  models = () => this.#requests.pages('/v1/models', 'models', Infinity);
  model = (id: string) => this.#requests.get(`/v1/models/${segment(id)}`, 'model');

  /** Prepared data, those used last first. */
  data = () => this.#requests.pages('/v1/data', 'data', Infinity);

  /** What a name means where a model is wanted. */
  name = (name: string) => this.#requests.get(`/v1/names/${segment(name)}`, 'name');

  /** Newest first; of one job, or of all. */
  incidents(job: string | null) {
    const filter = job === null ? '' : `&job=${encodeURIComponent(job)}`;
    return this.#requests.get(`/v1/incidents?limit=${MOST_INCIDENTS}${filter}`, 'incidents');
  }

  /** The whole specification of a job. */
  spec = (id: string) => this.#requests.get(`/v1/jobs/${segment(id)}/spec`, 'spec');

  /** The loss curve of a job, by ascending step. */
  steps = (id: string) => this.#requests.get(`/v1/jobs/${segment(id)}/steps`, 'steps');

  ledger(id: string, step: number) {
    return this.#requests.get(`/v1/jobs/${segment(id)}/ledger?step=${step}`, 'ledger');
  }

  profile(id: string) {
    return this.#requests.get(`/v1/jobs/${segment(id)}/profile`, 'profile');
  }

  /** What submitting a job would settle; nothing is submitted. */
  check(spec: JobSpec) {
    return this.#requests.get('/v1/jobs/check', 'check', { method: 'POST', json: { spec } });
  }

  submit(spec: JobSpec) {
    return this.#requests.get('/v1/jobs', 'job', { method: 'POST', json: { spec } });
  }

  /** Asks something of a job, and returns how it stands then. */
  ask(id: string, verb: 'cancel' | 'pause' | 'resume') {
    const path = `/v1/jobs/${segment(id)}/${verb}`;
    return this.#requests.get(path, 'job', { method: 'POST' });
  }

  /** @param saveSeconds How long jobs may take to save their state. */
  async shutdown(saveSeconds: number): Promise<void> {
    (
      await this.#requests.send(`/v1/shutdown?saveSeconds=${saveSeconds}`, { method: 'POST' })
    ).resume();
  }

  registerModel(manifest: string) {
    return this.#requests.get('/v1/models', 'model', { method: 'POST', json: { manifest } });
  }

  /** Removes what has this id. */
  async remove(what: 'jobs' | 'models' | 'data' | 'tokens', id: string): Promise<void> {
    const path = `/v1/${what}/${segment(id)}`;
    (await this.#requests.send(path, { method: 'DELETE' })).resume();
  }

  /** Removes what is old and nobody needs, which may take as long as it takes. */
  prune(options: { readonly olderThan?: string; readonly dryRun: boolean }) {
    const request = { method: 'POST', json: options, answerMs: PRUNE_MS } as const;
    return this.#requests.get('/v1/prune', 'prune', request);
  }

  tokens = () => this.#requests.get('/v1/tokens', 'tokens');

  createToken(wanted: TokenRequest) {
    return this.#requests.get('/v1/tokens', 'newToken', { method: 'POST', json: wanted });
  }

  /** Tells the coordinator of this machine, and is told where its workers register. */
  join(request: JoinRequest, signal: AbortSignal) {
    return this.#requests.get('/v1/join', 'join', { method: 'POST', json: request, signal });
  }

  async blob(sha256: string): Promise<Readable> {
    return this.#requests.send(`/v1/blobs/${sha256}`);
  }

  /** The first bytes of a blob, or all that it has. */
  async blobStart(sha256: string, bytes: number): Promise<Buffer> {
    const range = `bytes=0-${Math.max(0, bytes - 1)}`;
    const chunks: Buffer[] = [];
    const answer = await this.#requests.send(`/v1/blobs/${sha256}`, { range });
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Bytes of a blob that the coordinator has, or null. */
  async blobSize(sha256: string): Promise<number | null> {
    try {
      const answer = await this.#requests.send(`/v1/blobs/${sha256}`, { method: 'HEAD' });
      answer.resume();
      return Number(answer.headers['content-length']);
    } catch (error) {
      if (error instanceof RemoteFailure && error.exit === 4) return null;
      throw error;
    }
  }

  async putBlob(sha256: string, content: Readable): Promise<void> {
    const path = `/v1/blobs/${sha256}`;
    (await this.#requests.send(path, { method: 'PUT', stream: content })).resume();
  }

  /** Log lines of a job's trainers: the last `tail`, and with `follow` those to come until it ends. */
  async logs(
    id: string,
    { tail, follow, signal }: { tail: number; follow: boolean; signal: AbortSignal },
  ): Promise<Readable> {
    const path = `/v1/jobs/${segment(id)}/logs?tail=${tail}&follow=${follow}`;
    return this.#requests.send(path, { signal });
  }

  /** A job's events: first how it stands, then what happens, until it or the connection ends. */
  events(id: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
    return this.#requests.events(`/v1/jobs/${segment(id)}/events`, 'event', signal);
  }
}

/** A reference as a part of a path. @throws NOT_FOUND for one that would lead elsewhere, as no name does */
function segment(reference: string): string {
  if (/^\.\.?$/.test(reference)) throw new RingmasterError('NOT_FOUND', { what: `'${reference}'` });
  return encodeURIComponent(reference);
}
