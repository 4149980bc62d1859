import { Readable } from 'node:stream';
import {
  incidentViewSchema,
  jobEventSchema,
  jobViewSchema,
  ledgerViewSchema,
  modelViewSchema,
  nameViewSchema,
  profileViewSchema,
  RingmasterError,
  statusViewSchema,
  workerViewSchema,
  type JobEvent,
  type JobSpec,
} from '@ringmaster/protocol';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { RemoteFailure } from './failure.js';
import type { Location } from './location.js';

const bodySchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().default('Look at the log of the coordinator.'),
});

/** How long a coordinator may take to begin an answer. */
const ANSWER_MS = 30_000;
const READY_MS = 3000;
const MOST_INCIDENTS = 1000;
/** Silence after which an event stream is taken for dead; the server says something every 15 s. */
const SILENCE_MS = 40_000;

interface Request {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly stream?: Readable;
  readonly signal?: AbortSignal;
  readonly answerMs?: number;
}

/**
 * The HTTP API with checked answers. Where the coordinator is, is read anew for every request, so that a client
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

  async isReady(): Promise<boolean> {
    try {
      await this.#request('/readyz', { answerMs: READY_MS });
      return true;
    } catch {
      return false; // It is starting, ending or gone.
    }
  }

  status = () => this.#get('/v1/status', statusViewSchema);
  workers = () => this.#get('/v1/workers', z.array(workerViewSchema));
  /** Newest first. */
  jobs = (limit: number) => this.#get(`/v1/jobs?limit=${limit}`, z.array(jobViewSchema));
  job = (id: string) => this.#get(`/v1/jobs/${encodeURIComponent(id)}`, jobViewSchema);
  models = () => this.#get('/v1/models', z.array(modelViewSchema));
  model = (id: string) => this.#get(`/v1/models/${encodeURIComponent(id)}`, modelViewSchema);

  /** What a name means where a model is wanted. */
  name = (name: string) => this.#get(`/v1/names/${encodeURIComponent(name)}`, nameViewSchema);

  /** Newest first; of one job, or of all. */
  incidents(job: string | null) {
    const filter = job === null ? '' : `&job=${encodeURIComponent(job)}`;
    return this.#get(`/v1/incidents?limit=${MOST_INCIDENTS}${filter}`, z.array(incidentViewSchema));
  }

  ledger(id: string, step: number) {
    return this.#get(`/v1/jobs/${encodeURIComponent(id)}/ledger?step=${step}`, ledgerViewSchema);
  }

  profile(id: string) {
    return this.#get(`/v1/jobs/${encodeURIComponent(id)}/profile`, profileViewSchema);
  }

  submit(spec: JobSpec) {
    return this.#get('/v1/jobs', jobViewSchema, { method: 'POST', json: { spec } });
  }

  /** Asks something of a job, and returns how it stands then. */
  ask(id: string, verb: 'cancel' | 'pause' | 'resume') {
    const path = `/v1/jobs/${encodeURIComponent(id)}/${verb}`;
    return this.#get(path, jobViewSchema, { method: 'POST' });
  }

  async shutdown(): Promise<void> {
    await this.#request('/v1/shutdown', { method: 'POST' });
  }

  registerModel(manifest: string) {
    return this.#get('/v1/models', modelViewSchema, { method: 'POST', json: { manifest } });
  }

  async removeModel(id: string): Promise<void> {
    await this.#request(`/v1/models/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  async blob(sha256: string): Promise<Readable> {
    return bodyOf(await this.#request(`/v1/blobs/${sha256}`));
  }

  async hasBlob(sha256: string): Promise<boolean> {
    try {
      await this.#request(`/v1/blobs/${sha256}`, { method: 'HEAD' });
      return true;
    } catch (error) {
      if (error instanceof RemoteFailure && error.exit === 4) return false;
      throw error;
    }
  }

  async putBlob(sha256: string, content: Readable): Promise<void> {
    await this.#request(`/v1/blobs/${sha256}`, { method: 'PUT', stream: content });
  }

  /** Log lines of a job's trainers: the last `tail`, and with `follow` those to come until it ends. */
  async logs(
    id: string,
    { tail, follow, signal }: { tail: number; follow: boolean; signal: AbortSignal },
  ): Promise<Readable> {
    const path = `/v1/jobs/${encodeURIComponent(id)}/logs?tail=${tail}&follow=${follow}`;
    return bodyOf(await this.#request(path, { signal }));
  }

  /** A job's events: first how it stands, then what happens, until it or the connection ends. */
  async *events(id: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const silence = new AbortController();
    const path = `/v1/jobs/${encodeURIComponent(id)}/events`;
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await this.#request(path, { signal: both });
    const received: JobEvent[] = [];
    const parser = createParser({
      onEvent: ({ data }) => received.push(jobEventSchema.parse(JSON.parse(data))),
    });
    const timer = setTimeout(() => {
      silence.abort(new Error('the event stream is silent'));
    }, SILENCE_MS);
    try {
      for await (const chunk of bodyOf(response).setEncoding('utf8')) {
        timer.refresh();
        parser.feed(String(chunk));
        yield* received.splice(0);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #get<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    request: Request = {},
  ): Promise<z.output<Schema>> {
    const response = await this.#request(path, request);
    const parsed = schema.safeParse(await response.json().catch(() => null));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const reason = `${path} answered with ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    throw new RingmasterError('MESSAGE_INVALID', { from: this.url, reason });
  }

  async #request(path: string, request: Request = {}): Promise<Response> {
    const { method = 'GET', json, stream, signal, answerMs = ANSWER_MS } = request;
    const { url, token } = this;
    const slow = new AbortController();
    const timer = setTimeout(() => {
      slow.abort();
    }, answerMs);
    // An upload lasts as long as it lasts: its answer begins when it has ended.
    if (stream !== undefined) clearTimeout(timer);
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        signal: signal === undefined ? slow.signal : AbortSignal.any([signal, slow.signal]),
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(stream === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(stream === undefined ? {} : { body: Readable.toWeb(stream), duplex: 'half' }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#location.unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return response;
    const body = bodySchema.safeParse(await response.json().catch(() => null));
    const message = `${method} ${path} answered ${response.status}`;
    const code = response.status === 404 ? 'NOT_FOUND' : 'INTERNAL';
    const remedy = 'Look at the log of the coordinator.';
    throw new RemoteFailure(body.data ?? { code, message, remedy });
  }
}

function bodyOf(response: Response): Readable {
  if (response.body === null) return Readable.from([]);
  return Readable.fromWeb(response.body);
}
