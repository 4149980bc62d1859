import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refusalOf, targetPath, type Access } from '@ringmaster/base/server';
import { REQUEST_LIMIT_BYTES, RingmasterError } from '@ringmaster/protocol';
import type { TextModel } from '../text-model.js';
import { Answer, chatForm, completionForm, type Form } from './answers.js';
import { composing } from './composing.js';
import { answerError, answerJson, beginEvents, readJson, sendEvent } from './http.js';
import { Places } from './places.js';
import { hasLeft, Recipient } from './recipient.js';
import { readChat, readCompletion, type Asked } from './requests.js';

/** Texts that are generated at once: each holds the keys and values of its tokens. */
const AT_ONCE = 4;
/** How long a client may take to read the rest of an answer that is finished. */
const LINGER_MS = 30_000;

const ROUTES = 'docs/guides/serve.md says which routes there are.';

export interface ServingOptions {
  /** Name under which the model is served. */
  readonly name: string;
  /** Id of the model in its cluster, which names it too; null of a directory. */
  readonly id: string | null;
  readonly access: Access;
  /** Most requests that wait. */
  readonly queue: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A model behind the routes of OpenAI's API that make texts. */
export class ModelServer {
  readonly http: Server;
  readonly #model: Pick<TextModel, 'begin' | 'steps' | 'decode' | 'context'>;
  readonly #options: ServingOptions;
  readonly #places: Places;
  /** Generations under way, or waiting. */
  readonly #generations = new Set<Promise<void>>();
  readonly #since = Math.floor(Date.now() / 1000);
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>>;

  constructor(
    model: Pick<TextModel, 'begin' | 'steps' | 'decode' | 'context'>,
    options: ServingOptions,
  ) {
    this.#model = model;
    this.#options = options;
    this.#places = new Places(AT_ONCE, options.queue);
    this.#routes = {
      '/health': {
        GET: (_, response) => {
          answerJson(response, { status: 'ok' });
        },
      },
      '/v1/models': {
        GET: (_, response) => {
          answerJson(response, { object: 'list', data: [this.#card()] });
        },
      },
      '/v1/completions': { POST: this.#generating(completionForm, readCompletion) },
      '/v1/chat/completions': {
        POST: this.#generating(chatForm, (body) => readChat(body, model.context)),
      },
    };
    // A request without a Host header is refused in the form of all errors.
    this.http = createServer({ requireHostHeader: false }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!hasLeft(request, response)) answerError(response, registered(error));
      });
    });
    // A connection may have as many requests under way as its client sends, each of which listens for its end.
    this.http.on('connection', (socket) => socket.setMaxListeners(0));
  }

  /** Takes no more requests, and settles when those that were begun are answered. */
  async drain(): Promise<void> {
    this.#places.close();
    this.http.close();
    await Promise.allSettled(this.#generations);
    this.http.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const path = targetPath(url);
    const refusal = refusalOf(
      request,
      path === '/health' ? 'nothing' : 'read',
      this.#options.access,
    );
    if (refusal !== null) throw refusal;
    const methods = this.#methodsAt(path);
    if (methods === undefined)
      throw new RingmasterError('NOT_FOUND', { what: `${method} ${path}` }, { remedy: ROUTES });
    const wanted = method === 'HEAD' ? 'GET' : method;
    const handler = Object.hasOwn(methods, wanted) ? methods[wanted] : undefined;
    if (handler === undefined) {
      const allow = Object.keys(methods).join(', ');
      throw new RingmasterError(
        'METHOD_NOT_ALLOWED',
        { method, what: path, allow },
        { remedy: ROUTES },
      );
    }
    await handler(request, response);
  }

  /** What a path is asked by, and answers; undefined of one that is not there. */
  #methodsAt(path: string): Readonly<Record<string, Handler>> | undefined {
    if (Object.hasOwn(this.#routes, path)) return this.#routes[path];
    const [, model] = /^\/v1\/models\/(.+)$/s.exec(path) ?? [];
    if (model === undefined) return undefined;
    return {
      GET: (_, response) => {
        this.#expect(decoded(model));
        answerJson(response, this.#card());
      },
    };
  }

  /** @throws MODEL_NOT_FOUND of another model than the one that is here */
  #expect(model: string): void {
    const { name, id } = this.#options;
    if (model === name || model === id) return;
    const remedy = `This server has ${name}.`;
    throw new RingmasterError('MODEL_NOT_FOUND', { id: model }, { remedy });
  }

  #generating(form: Form, read: (body: unknown) => Asked): Handler {
    return async (request, response) => {
      const asked = read(await readJson(request, REQUEST_LIMIT_BYTES));
      const recipient = new Recipient(request, response);
      const generation = this.#generate(asked, form, response, recipient);
      this.#generations.add(generation);
      try {
        await generation;
      } finally {
        this.#generations.delete(generation);
        recipient.release();
      }
    };
  }

  /** Answers with a text; settles when the answer is out, or its client has gone. */
  async #generate(
    asked: Asked,
    form: Form,
    response: ServerResponse,
    recipient: Recipient,
  ): Promise<void> {
    if (asked.model !== null) this.#expect(asked.model);
    const { beginning, truncated } = await this.#model.begin(asked.from);
    if (truncated) throw new RingmasterError('PROMPT_TOO_LONG', { most: this.#model.context - 1 });
    const giveBack = await this.#places.take(recipient.over);
    try {
      const answer = new Answer(form, this.#options.name, asked.options.seed);
      const promptTokens = (beginning.source ?? beginning.tokens).length;
      if (asked.stream) beginEvents(response);
      for (const part of asked.stream ? answer.opening() : []) sendEvent(response, part);
      const parts = composing(this.#model, beginning, asked.options, recipient.over);
      for (;;) {
        const { done, value } = await parts.next();
        if (done !== true) {
          if (asked.stream) sendEvent(response, answer.delta(value));
          continue;
        }
        const { generated, rest } = value;
        if (!asked.stream) {
          answerJson(response, answer.whole(generated, promptTokens));
          break;
        }
        sendEvent(response, answer.last(rest, generated.finish));
        if (asked.usage) sendEvent(response, answer.usage(promptTokens, generated.tokens.length));
        sendEvent(response, '[DONE]');
        response.end();
        break;
      }
    } finally {
      giveBack();
    }
    await recipient.received(LINGER_MS);
  }

  #card(): object {
    const { name } = this.#options;
    return { id: name, object: 'model', created: this.#since, owned_by: 'ringmaster' };
  }
}

/** A part of a path without its escapes; as it is where they are none. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An error as it is answered; what is our fault is told on stderr. */
function registered(error: unknown): RingmasterError {
  if (RingmasterError.is(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const known = new RingmasterError('INTERNAL', { reason }, { cause: error });
  process.stderr.write(`ringmaster: ${known.code}: ${known.message}\n`);
  return known;
}
