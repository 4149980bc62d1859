import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { exchange, jsonOf, type Sent } from '@ringmaster/base';
import { REQUEST_LIMIT_BYTES, RingmasterError, VERSION_HEADER } from '@ringmaster/protocol';
import { createParser } from 'eventsource-parser';
import type { Answers } from './answer-types.js';
import { RemoteFailure } from './failure.js';
import type { Location } from './location.js';
import { version } from './version.js';

/** How long a coordinator may take to begin an answer. */
const ANSWER_MS = 30_000;
const READY_MS = 3000;
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
 * Requests to the coordinator's API. Answers of a coordinator of another version, or of something else, are checked. Where
 * the coordinator is, is read anew for every request, so that one that is started again elsewhere is found.
 */
export class Requests {
  readonly location: Location;

  constructor(location: Location) {
    this.location = location;
  }

  /** Whether a GET of this path succeeds, soon. */
  async answers(path: string): Promise<boolean> {
    try {
      (await this.send(path, { answerMs: READY_MS })).resume();
      return true;
    } catch {
      return false; // It is starting, ending or gone.
    }
  }

  /** The answer to a request, by its name. */
  async get<Name extends keyof Answers>(
    path: string,
    name: Name,
    request: Request = {},
  ): Promise<Answers[Name]> {
    const response = await this.send(path, request);
    return this.#checked(response, path, name, await jsonOf(response));
  }

  /** A list that comes in pages, each behind the last item of the one before. */
  async pages<Name extends 'jobs' | 'models' | 'workers' | 'data'>(
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
      const page = await this.get(`${path}?limit=${wanted}${behind}${filter}`, name);
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
      return new RingmasterError('MESSAGE_INVALID', {
        from: `${this.location.url()}${path}`,
        reason,
      });
    });
  }

  /** The answer as it begins to come. @throws COORDINATOR_UNREACHABLE when nobody answers, and what the coordinator answers with */
  async send(path: string, request: Request = {}): Promise<IncomingMessage> {
    const { method = 'GET', json, stream, range, signal = null, answerMs = ANSWER_MS } = request;
    const type = stream === undefined ? 'application/json' : 'application/octet-stream';
    const body = stream ?? (json === undefined ? null : bodyOf(json));
    const url = this.location.url();
    const token = this.location.token();
    const fingerprint = this.location.fingerprint();
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
      throw this.location.unreachable(cause);
    }
    const { statusCode = 0 } = answer;
    if (statusCode >= 200 && statusCode < 300) return answer;
    throw failureOf(`${method} ${path}`, statusCode, await jsonOf(answer));
  }

  /** The events of a stream, each checked as `name`, until it or the connection ends. */
  async *events<Name extends keyof Answers>(
    path: string,
    name: Name,
    signal: AbortSignal,
  ): AsyncGenerator<Answers[Name]> {
    const silence = new AbortController();
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await this.send(path, { signal: both });
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
          yield await this.#checked(response, path, name, JSON.parse(data));
      }
    } finally {
      clearTimeout(timer);
    }
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
