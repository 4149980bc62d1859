import { type Home } from '@ringmaster/base';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import {
  incidentViewSchema,
  jobEventSchema,
  jobViewSchema,
  preparedDataViewSchema,
  profileViewSchema,
  pruneViewSchema,
  statusViewSchema,
  stepPointSchema,
  workerViewSchema,
  type CoordinatorFile,
  type IncidentView,
  type JobEvent,
  type JobView,
  type PreparedDataView,
  type ProfileView,
  type PruneView,
  type StatusView,
  type StepPoint,
  type WorkerView,
} from '@ringmaster/protocol';
import { z } from 'zod';

/** Longest that an answer is waited for. */
const ANSWER_MS = 10_000;

/** The coordinator cannot be reached now: it was killed, or is about to be up. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The HTTP API of the coordinator that a home directory names at the time. */
export class Api {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /** Whether the coordinator with this process id has announced itself and is ready. */
  async isReady(pid: number): Promise<boolean> {
    try {
      const announced = this.#coordinator();
      if (announced.pid !== pid) return false;
      const { ok } = await fetch(`${announced.url}/readyz`);
      return ok;
    } catch {
      return false; // Not there yet.
    }
  }

  /** Has the cluster go down, as `ringmaster down` does. */
  async shutdown(): Promise<void> {
    await this.#post('/v1/shutdown', z.object({ state: z.string() }));
  }

  submit(spec: object): Promise<JobView> {
    return this.#post('/v1/jobs', jobViewSchema, { spec });
  }

  job(id: string): Promise<JobView> {
    return this.#get(`/v1/jobs/${id}`, jobViewSchema);
  }

  workers(): Promise<WorkerView[]> {
    return this.#get('/v1/workers', z.array(workerViewSchema));
  }

  status(): Promise<StatusView> {
    return this.#get('/v1/status', statusViewSchema);
  }

  /** What is prepared, used last first. */
  data(): Promise<PreparedDataView[]> {
    return this.#get('/v1/data', z.array(preparedDataViewSchema));
  }

  /** Removes jobs that ended longer ago than this, and what nothing needs. */
  prune(olderThan: string): Promise<PruneView> {
    return this.#post('/v1/prune', pruneViewSchema, { olderThan });
  }

  steps(id: string): Promise<StepPoint[]> {
    return this.#get(`/v1/jobs/${id}/steps?points=20000`, z.array(stepPointSchema));
  }

  incidents(id: string): Promise<IncidentView[]> {
    return this.#get(`/v1/incidents?job=${id}&limit=1000`, z.array(incidentViewSchema));
  }

  /** Where the time of the newest steps went. */
  profile(id: string): Promise<ProfileView> {
    return this.#get(`/v1/jobs/${id}/profile`, profileViewSchema);
  }

  /** All metrics, as Prometheus has them. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.#coordinator().url}/metrics`)).text();
  }

  command(id: string, verb: 'pause' | 'resume' | 'cancel'): Promise<JobView> {
    return this.#post(`/v1/jobs/${id}/${verb}`, jobViewSchema);
  }

  /** All that happens to a job from now on, until it ends or the coordinator does. */
  async *events(id: string): AsyncGenerator<JobEvent> {
    const { body } = await fetch(`${this.#coordinator().url}/v1/jobs/${id}/events`);
    if (body === null) return;
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const messages = (text + chunk).split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const data = /^data: (.*)$/m.exec(message)?.[1];
        if (data !== undefined) yield jobEventSchema.parse(JSON.parse(data));
      }
    }
  }

  #get<Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer> {
    return this.#ask(path, {}, schema);
  }

  #post<Answer>(path: string, schema: z.ZodType<Answer>, body: object = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) }, schema);
  }

  async #ask<Answer>(path: string, init: RequestInit, schema: z.ZodType<Answer>): Promise<Answer> {
    const url = `${this.#coordinator().url}${path}`;
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw new Unreachable(`no answer from ${url}`, { cause });
    }
    if (status >= 300) throw new Error(`${url} answered ${status}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  #coordinator(): CoordinatorFile {
    const file = readCoordinatorFile(this.#home);
    if (file === null) throw new Unreachable('no coordinator has announced itself');
    return file;
  }
}
