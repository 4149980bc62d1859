import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '@ringmaster/base';
import {
  RingmasterError,
  VERSION_HEADER,
  type IncidentView,
  type JobEvent,
  type JobState,
  type JobView,
  type ModelView,
} from '@ringmaster/protocol';
import { version } from './version.js';

export function jobView(id: string, state: JobState, step = 0): JobView {
  const isFailed = state === 'failed';
  return {
    id,
    name: `name-of-${id}`,
    kind: 'pretrain',
    state,
    priority: 0,
    after: [],
    base: null,
    step,
    steps: 10,
    parameters: { trained: 1_000_000, frozen: 3_000_000 },
    memory: null,
    generation: 1,
    workers: ['w-1'],
    ranks: [],
    loss: 2.5,
    evaluation: null,
    stoppedEarly: null,
    throughput: { tokensPerSecond: 1000 },
    etaSeconds: 9,
    progress: null,
    preparation: null,
    preparers: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    endedAt: null,
    result: null,
    error: isFailed ? new RingmasterError('DISK_FULL', { path: '/data' }).toBody() : null,
  };
}

export function modelView(id: string, name: string): ModelView {
  const task = 'masked-language-model';
  const createdAt = '2026-01-01T00:00:00.000Z';
  const hash = 'a'.repeat(64);
  const manifest = {
    format: 1 as const,
    kind: 'model' as const,
    job: null,
    name,
    step: 0,
    evaluations: 0,
    stateHash: hash,
    specHash: hash,
    dataManifest: hash,
    baseManifest: null,
    task,
    labels: null,
    metrics: {},
    files: {},
  };
  return { id, name, job: null, task, createdAt, manifest };
}

export function incident(id: number, rest: Partial<IncidentView> = {}): IncidentView {
  return {
    id,
    at: '2026-01-01T00:00:00.000Z',
    job: 'j-1',
    worker: 'w-1',
    step: 3,
    generation: 1,
    what: 'it broke',
    recovery: null,
    ...rest,
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A home whose coordinator is this test: a real HTTP server that answers as the routes given say. */
export class TestApi {
  readonly home = mkdtempSync(join(tmpdir(), 'ringmaster-cli-'));
  /** `METHOD /path` → what happens. */
  readonly routes = new Map<string, Handler>();
  readonly requests: { readonly route: string; readonly url: string; readonly body: string }[] = [];
  url = '';
  #server = createServer();

  static async open(): Promise<TestApi> {
    const api = new TestApi();
    await api.listen();
    return api;
  }

  /** Listens on a new port, and says so in the home. */
  async listen(): Promise<void> {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
    const file = { cluster: 'c', ...ownIdentity(), url: this.url, control: '' };
    writeFileSync(join(this.home, 'coordinator.json'), JSON.stringify(file));
  }

  /** Breaks every connection, as a coordinator does that is killed. */
  async die(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async close(): Promise<void> {
    await this.die();
    rmSync(this.home, { recursive: true });
  }

  json(route: string, value: unknown, status = 200): void {
    this.routes.set(route, (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    });
  }

  /** An answer as of a coordinator of our own version, which is not checked. */
  ownJson(route: string, value: unknown): void {
    this.routes.set(route, (_, response) => {
      response.writeHead(200, { [VERSION_HEADER]: version });
      response.end(JSON.stringify(value));
    });
  }

  /** A job whose event stream says these states, then stays open unless the last is final. */
  job(id: string, ...states: JobState[]): void {
    this.json(`GET /v1/jobs/${id}`, jobView(id, states[0] ?? 'queued'));
    this.events(
      id,
      states.map((state) => ({ type: 'job', job: jobView(id, state, 5) })),
    );
  }

  /** What the event stream of a job says; it stays open unless it ends with a job that does not run. */
  events(id: string, events: readonly JobEvent[]): void {
    this.routes.set(`GET /v1/jobs/${id}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events)
        response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      const last = events.at(-1);
      if (last?.type !== 'job' || last.job.state !== 'running') response.end();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = request.url ?? '';
    const route = `${request.method ?? ''} ${url.split('?')[0] ?? ''}`;
    this.requests.push({ route, url, body });
    const handler = this.routes.get(route);
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    const error = new RingmasterError('JOB_NOT_FOUND', { id: route.split('/')[3] ?? '' });
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(error.toBody()));
  }
}
