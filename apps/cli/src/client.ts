import { existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import {
  coordinatorFileSchema,
  incidentViewSchema,
  jobEventSchema,
  jobViewSchema,
  modelViewSchema,
  RingmasterError,
  ringmasterHome,
  statusViewSchema,
  workerViewSchema,
  type CoordinatorFile,
  type Home,
  type JobEvent,
  type JobSpec,
} from '@ringmaster/protocol';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { RemoteFailure } from './failure.js';

const bodySchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().default('Look at the log of the coordinator.'),
});

/** How long a coordinator may take to begin an answer. */
const ANSWER_MS = 30_000;
const READY_MS = 3000;
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

/** The coordinator that the home directory names now, or null. */
export function readCoordinator(home: Home): CoordinatorFile | null {
  if (!existsSync(home.coordinator)) return null;
  try {
    return coordinatorFileSchema.parse(JSON.parse(readFileSync(home.coordinator, 'utf8')));
  } catch {
    return null; // It is being replaced at this moment, or its coordinator has just gone.
  }
}

/**
 * The HTTP API with checked answers. Where the coordinator is, is read anew for every request, so that a client
 * survives one that is started again elsewhere.
 * @throws COORDINATOR_UNREACHABLE when nobody answers, and what the coordinator answers with.
 */
export class Client {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  get url(): string {
    const file = readCoordinator(this.#home);
    if (file === null) throw this.#unreachable({ home: this.#home.root });
    return file.url;
  }

  /** What the API asks for, or null for a cluster that asks for nothing. */
  get token(): string | null {
    const given = process.env['RINGMASTER_TOKEN'] ?? '';
    if (given !== '') return given;
    const { token } = this.#home;
    return existsSync(token) ? readFileSync(token, 'utf8').trim() : null;
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
  jobs = () => this.#get('/v1/jobs', z.array(jobViewSchema));
  job = (id: string) => this.#get(`/v1/jobs/${encodeURIComponent(id)}`, jobViewSchema);
  models = () => this.#get('/v1/models', z.array(modelViewSchema));
  model = (id: string) => this.#get(`/v1/models/${encodeURIComponent(id)}`, modelViewSchema);

  incidents(job: string) {
    const path = `/v1/incidents?limit=5&job=${encodeURIComponent(job)}`;
    return this.#get(path, z.array(incidentViewSchema));
  }

  submit(spec: JobSpec) {
    return this.#get('/v1/jobs', jobViewSchema, { method: 'POST', json: { spec } });
  }

  cancel(id: string) {
    const path = `/v1/jobs/${encodeURIComponent(id)}/cancel`;
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
      throw this.#unreachable({ url }, cause);
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

  #unreachable(where: { url: string } | { home: string }, cause?: unknown): RingmasterError {
    const { root } = this.#home;
    const option = root === ringmasterHome().root ? '' : ` --home ${root}`;
    const remedy = `Start one with: ringmaster up${option}`;
    return new RingmasterError('COORDINATOR_UNREACHABLE', where, { cause, remedy });
  }
}

function bodyOf(response: Response): Readable {
  if (response.body === null) return Readable.from([]);
  return Readable.fromWeb(response.body);
}
