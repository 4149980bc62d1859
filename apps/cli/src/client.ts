import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { exchange, jsonOf, type Sent } from '@ringmaster/base';
import {
  REQUEST_LIMIT_BYTES,
  RingmasterError,
  VERSION_HEADER,
  type IncidentView,
  type JoinAnswer,
  type JoinRequest,
  type NewToken,
  type TokenRequest,
  type TokenView,
  type JobCheck,
  type JobEvent,
  type JobSpec,
  type JobState,
  type JobView,
  type LedgerView,
  type ModelView,
  type PreparedDataView,
  type PruneView,
  type NameView,
  type ProfileView,
  type StatusView,
  type StepPoint,
  type WorkerView,
} from '@ringmaster/protocol';
import { createParser } from 'eventsource-parser';
import { RemoteFailure } from './failure.js';
import type { Location } from './location.js';
import { version } from './version.js';

/** What the API answers with, by name. */
export interface Answers {
  readonly status: StatusView;
  readonly workers: WorkerView[];
  readonly job: JobView;
  readonly jobs: JobView[];
  readonly check: JobCheck;
  readonly spec: JobSpec;
  readonly steps: StepPoint[];
  readonly event: JobEvent;
  readonly incidents: IncidentView[];
  readonly ledger: LedgerView;
  readonly profile: ProfileView;
  readonly model: ModelView;
  readonly models: ModelView[];
  readonly name: NameView;
  readonly data: PreparedDataView[];
  readonly prune: PruneView;
  readonly tokens: TokenView[];
  readonly newToken: NewToken;
  readonly join: JoinAnswer;
}

/** Which jobs a list has: what is given must match. */
export interface JobsWanted {
  readonly limit: number;
  readonly state?: JobState | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
}

/** How long a coordinator may take to begin an answer. */
const ANSWER_MS = 30_000;
const READY_MS = 3000;
const PRUNE_MS = 60 * 60_000;
const MOST_INCIDENTS = 1000;
/** Most items that one answer lists. */
const MOST_LISTED = 1000;
/** Silence after which an event stream is taken for dead; the server says something every 15 s. */
const SILENCE_MS = 40_000;

interface Request {
  readonly method?: Sent['method'];
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly stream?: Readable;
  /** Part of the answer that is wanted. */
  readonly range?: string;
  readonly signal?: AbortSignal;
  readonly answerMs?: number;
}

/**
 * The HTTP API. Answers of a coordinator of another version, or of something else, are checked. Where the coordinator is, is read anew for every request, so that a client
 * survives one that is started again elsewhere.
 * @throws COORDINATOR_UNREACHABLE when nobody answers, and what the coordinator answers with.
 */
export class Client {
  readonly #location: Location;

  constructor(location: Location) {
    this.#location = location;
  }

  get url(): string {
    return this.#location.url();
  }

  get token(): string | null {
    return this.#location.token();
  }

  get fingerprint(): string | null {
    return this.#location.fingerprint();
  }

  /** Whether a coordinator serves; one that is going down still answers. */
  isReady = () => this.#answers('/readyz');
  /** Whether a coordinator answers at all. */
  isAlive = () => this.#answers('/healthz');

  status = () => this.#get('/v1/status', 'status');
  /** By id. */
  workers = () => this.#pages('/v1/workers', 'workers', Infinity);
  /** Newest first. */
  jobs({ limit, ...filter }: JobsWanted) {
    const query = Object.entries<string | undefined>({ ...filter }).flatMap(([key, value]) =>
      value === undefined ? [] : [`&${key}=${encodeURIComponent(value)}`],
    );
    return this.#pages('/v1/jobs', 'jobs', limit, query.join(''));
  }

  job = (id: string) => this.#get(`/v1/jobs/${segment(id)}`, 'job');
  /** Newest first. */
  models = () => this.#pages('/v1/models', 'models', Infinity);
  model = (id: string) => this.#get(`/v1/models/${segment(id)}`, 'model');

  /** Prepared data, those used last first. */
  data = () => this.#pages('/v1/data', 'data', Infinity);

  /** What a name means where a model is wanted. */
  name = (name: string) => this.#get(`/v1/names/${segment(name)}`, 'name');

  /** Newest first; of one job, or of all. */
  incidents(job: string | null) {
    const filter = job === null ? '' : `&job=${encodeURIComponent(job)}`;
    return this.#get(`/v1/incidents?limit=${MOST_INCIDENTS}${filter}`, 'incidents');
  }

  /** The whole specification of a job. */
  spec = (id: string) => this.#get(`/v1/jobs/${segment(id)}/spec`, 'spec');

  /** The loss curve of a job, by ascending step. */
  steps = (id: string) => this.#get(`/v1/jobs/${segment(id)}/steps`, 'steps');

  ledger(id: string, step: number) {
    return this.#get(`/v1/jobs/${segment(id)}/ledger?step=${step}`, 'ledger');
  }

  profile(id: string) {
    return this.#get(`/v1/jobs/${segment(id)}/profile`, 'profile');
  }

  /** What submitting a job would settle; nothing is submitted. */
  check(spec: JobSpec) {
    return this.#get('/v1/jobs/check', 'check', { method: 'POST', json: { spec } });
  }

  submit(spec: JobSpec) {
    return this.#get('/v1/jobs', 'job', { method: 'POST', json: { spec } });
  }

  /** Asks something of a job, and returns how it stands then. */
  ask(id: string, verb: 'cancel' | 'pause' | 'resume') {
    const path = `/v1/jobs/${segment(id)}/${verb}`;
    return this.#get(path, 'job', { method: 'POST' });
  }

  /** @param saveSeconds How long jobs may take to save their state. */
  async shutdown(saveSeconds: number): Promise<void> {
    (await this.#request(`/v1/shutdown?saveSeconds=${saveSeconds}`, { method: 'POST' })).resume();
  }

  registerModel(manifest: string) {
    return this.#get('/v1/models', 'model', { method: 'POST', json: { manifest } });
  }

  /** Removes what has this id. */
  async remove(what: 'jobs' | 'models' | 'data' | 'tokens', id: string): Promise<void> {
    const path = `/v1/${what}/${segment(id)}`;
    (await this.#request(path, { method: 'DELETE' })).resume();
  }

  /** Removes what is old and nobody needs, which may take as long as it takes. */
  prune(options: { readonly olderThan?: string; readonly dryRun: boolean }) {
    const request = { method: 'POST', json: options, answerMs: PRUNE_MS } as const;
    return this.#get('/v1/prune', 'prune', request);
  }

  tokens = () => this.#get('/v1/tokens', 'tokens');

  createToken(wanted: TokenRequest) {
    return this.#get('/v1/tokens', 'newToken', { method: 'POST', json: wanted });
  }

  /** Tells the coordinator of this machine, and is told where its workers register. */
  join(request: JoinRequest, signal: AbortSignal) {
    return this.#get('/v1/join', 'join', { method: 'POST', json: request, signal });
  }

  async blob(sha256: string): Promise<Readable> {
    return this.#request(`/v1/blobs/${sha256}`);
  }

  /** The first bytes of a blob, or all that it has. */
  async blobStart(sha256: string, bytes: number): Promise<Buffer> {
    const range = `bytes=0-${Math.max(0, bytes - 1)}`;
    const chunks: Buffer[] = [];
    const answer = await this.#request(`/v1/blobs/${sha256}`, { range });
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Bytes of a blob that the coordinator has, or null. */
  async blobSize(sha256: string): Promise<number | null> {
    try {
      const answer = await this.#request(`/v1/blobs/${sha256}`, { method: 'HEAD' });
      answer.resume();
      return Number(answer.headers['content-length']);
    } catch (error) {
      if (error instanceof RemoteFailure && error.exit === 4) return null;
      throw error;
    }
  }

  async putBlob(sha256: string, content: Readable): Promise<void> {
    const path = `/v1/blobs/${sha256}`;
    (await this.#request(path, { method: 'PUT', stream: content })).resume();
  }

  /** Log lines of a job's trainers: the last `tail`, and with `follow` those to come until it ends. */
  async logs(
    id: string,
    { tail, follow, signal }: { tail: number; follow: boolean; signal: AbortSignal },
  ): Promise<Readable> {
    const path = `/v1/jobs/${segment(id)}/logs?tail=${tail}&follow=${follow}`;
    return this.#request(path, { signal });
  }

  /** A job's events: first how it stands, then what happens, until it or the connection ends. */
  async *events(id: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const silence = new AbortController();
    const path = `/v1/jobs/${segment(id)}/events`;
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await this.#request(path, { signal: both });
    const received: string[] = [];
    const parser = createParser({ onEvent: ({ data }) => received.push(data) });
    const timer = setTimeout(() => {
      silence.abort(new Error('the event stream is silent'));
    }, SILENCE_MS);
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        timer.refresh();
        parser.feed(String(chunk));
        for (const data of received.splice(0))
          yield await this.#checked(response, path, 'event', JSON.parse(data));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #answers(path: string): Promise<boolean> {
    try {
      (await this.#request(path, { answerMs: READY_MS })).resume();
      return true;
    } catch {
      return false; // It is starting, ending or gone.
    }
  }

  async #get<Name extends keyof Answers>(
    path: string,
    name: Name,
    request: Request = {},
  ): Promise<Answers[Name]> {
    const response = await this.#request(path, request);
    return this.#checked(response, path, name, await jsonOf(response));
  }

  /** A list that comes in pages, each behind the last item of the one before. */
  async #pages<Name extends 'jobs' | 'models' | 'workers' | 'data'>(
    path: string,
    name: Name,
    limit: number,
    filter = '',
  ): Promise<Answers[Name][number][]> {
    const items: Answers[Name][number][] = [];
    for (;;) {
      const wanted = Math.min(MOST_LISTED, limit - items.length);
      const last = items.at(-1);
      const behind = last === undefined ? '' : `&before=${encodeURIComponent(last.id)}`;
      const page = await this.#get(`${path}?limit=${wanted}${behind}${filter}`, name);
      items.push(...page);
      if (page.length < wanted || items.length >= limit) return items;
    }
  }

  /** A coordinator of our own version has checked what it answers: doing so again would take longer than the answer. */
  async #checked<Name extends keyof Answers>(
    { headers }: IncomingMessage,
    path: string,
    name: Name,
    answer: unknown,
  ): Promise<Answers[Name]> {
    const isOurs = headers[VERSION_HEADER] === version && answer !== null;
    if (isOurs) return answer as Answers[Name];
    const { checkAnswer } = await import('./answers.js');
    return checkAnswer(name, answer, (reason) => {
      return new RingmasterError('MESSAGE_INVALID', { from: `${this.url}${path}`, reason });
    });
  }

  async #request(path: string, request: Request = {}): Promise<IncomingMessage> {
    const { method = 'GET', json, stream, range, signal = null, answerMs = ANSWER_MS } = request;
    const type = stream === undefined ? 'application/json' : 'application/octet-stream';
    const body = stream ?? (json === undefined ? null : bodyOf(json));
    const { url, token, fingerprint } = this;
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { 'content-type': type }),
      ...(range === undefined ? {} : { range }),
    };
    let answer: IncomingMessage;
    try {
      // An upload lasts as long as it lasts: its answer begins when it has ended.
      const patience = stream === undefined ? answerMs : null;
      const sent = { method, headers, body, signal, fingerprint, answerMs: patience };
      answer = await exchange(new URL(`${url}${path}`), sent);
    } catch (cause) {
      signal?.throwIfAborted();
      if (RingmasterError.is(cause, 'CERTIFICATE_REFUSED')) throw cause;
      throw this.#location.unreachable(cause);
    }
    const { statusCode = 0 } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    throw failureOf(`${method} ${path}`, statusCode, await jsonOf(answer));
  }
}

/** A request's JSON. @throws REQUEST_TOO_LARGE, which the coordinator would answer */
function bodyOf(json: unknown): string {
  const body = JSON.stringify(json);
  const bytes = Buffer.byteLength(body);
  const limit = REQUEST_LIMIT_BYTES;
  if (bytes > limit) throw new RingmasterError('REQUEST_TOO_LARGE', { limit, bytes });
  return body;
}

/** The error in an answer, whatever answers there. */
function failureOf(request: string, status: number, body: unknown): RemoteFailure {
  const told: Record<string, unknown> =
    typeof body === 'object' && body !== null ? { ...body } : {};
  const { code, message, remedy = 'Look at the log of the coordinator.' } = told;
  if (typeof code === 'string' && typeof message === 'string' && typeof remedy === 'string')
    return new RemoteFailure({ code, message, remedy });
  return new RemoteFailure({
    code: status === 404 ? 'NOT_FOUND' : 'INTERNAL',
    message: `${request} answered ${status}`,
    remedy: 'Look at the log of the coordinator.',
  });
}

/** A reference as a part of a path. @throws NOT_FOUND for one that would lead elsewhere, as no name does */
function segment(reference: string): string {
  if (/^\.\.?$/.test(reference)) throw new RingmasterError('NOT_FOUND', { what: `'${reference}'` });
  return encodeURIComponent(reference);
}
