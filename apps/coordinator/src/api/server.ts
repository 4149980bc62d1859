import { maxHeaderSize, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import swagger from '@fastify/swagger';
import { refusalOf, type Access } from '@ringmaster/base/server';
import { REQUEST_LIMIT_BYTES, RingmasterError, VERSION_HEADER } from '@ringmaster/protocol';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyRequest,
} from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { BackgroundWork } from '../background-work.js';
import type { Certificate } from '../home/certificate.js';
import { version } from '../version.js';
import { accessRoutes } from './access.js';
import { blobRoutes } from './blobs.js';
import { clusterRoutes } from './cluster.js';
import type { ApiContext, Server } from './context.js';
import { curveRoutes } from './curves.js';
import { describeApi } from './describe.js';
import { answerError, answerOnSocket, answerUnparsable } from './errors.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { describeRoute } from './json-schema.js';
import { jobRoutes } from './jobs.js';
import { ledgerRoutes } from './ledger.js';
import { logRoutes } from './logs.js';
import { modelRoutes } from './models.js';
import { storageRoutes } from './storage.js';
import { profileRoutes } from './profile.js';
import { methodsAt, operationOf } from './routes.js';
import { taskRoutes } from './tasks.js';
import { Turns } from './turns.js';
import { outlastBody } from './unread-body.js';

/** Longest parameter in a path: names of jobs and models. */
const LONGEST_PARAMETER = 500;

/**
 * The HTTP API, described by itself at /openapi.json.
 * @param background What handlers do goes on there when their client has gone.
 */
export async function createServer(
  context: ApiContext,
  access: Access,
  certificate: Certificate | null,
  background: BackgroundWork,
  log: Logger,
): Promise<Server> {
  const base: FastifyBaseLogger = log;
  /** Judged by the route that the request was routed to, never by how its target is written. */
  const refusal = ({ raw, method, routeOptions }: FastifyRequest) =>
    refusalOf(raw, operationOf(method, routeOptions.url)?.needs ?? 'read', access);
  // A request without a Host header is refused in the form of all errors.
  const transport: FastifyHttpOptions<HttpServer> =
    certificate === null
      ? { http: { requireHostHeader: false } }
      : { serverFactory: (handler) => tlsServer(certificate, handler) };
  const server: Server = fastify({
    ...transport,
    loggerInstance: base,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    bodyLimit: REQUEST_LIMIT_BYTES,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    // A target that cannot be decoded is routed nowhere, and passes no hook.
    frameworkErrors: (error, request, reply) => {
      answerError(refusal(request) ?? error, request, reply);
    },
    clientErrorHandler: (error, socket) => {
      answerUnparsable(error, socket, maxHeaderSize);
    },
  }).withTypeProvider<ZodTypeProvider>();
  // What Node answers itself, without a body, or closes without a word.
  server.server.on('checkExpectation', (request, response) => {
    server.server.emit('request', request, response); // Any other than 100-continue may be ignored (RFC 9110, 10.1.1).
  });
  server.server.on('connect', (_request, socket) => {
    answerOnSocket(socket, new RingmasterError('REQUEST_INVALID', { reason: 'this is no proxy' }));
  });
  server.setValidatorCompiler(validatorCompiler);
  // What the routes return is typed by the schemas of their answers, which describe it and cost nothing here.
  server.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const what = url.split('?')[0] ?? '';
    const allow = methodsAt(url).join(', ');
    const error =
      allow === ''
        ? new RingmasterError('NOT_FOUND', { what: `${method} ${what}` })
        : new RingmasterError('METHOD_NOT_ALLOWED', { method, what, allow });
    answerError(error, request, reply);
  });
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header(VERSION_HEADER, version);
    done(refusal(request) ?? undefined);
  });
  server.addHook('onSend', (request, reply, _payload, done) => {
    outlastBody(request, reply);
    done();
  });
  server.addHook('onRoute', (route) => {
    const { method, url, handler } = route;
    for (const each of [method].flat()) {
      if (operationOf(each, url) === undefined) throw new Error(`${each} ${url} is no operation`);
    }
    route.handler = function (request, reply) {
      const answer: unknown = handler.call(this, request, reply);
      return answer instanceof Promise ? background.add(answer) : answer;
    };
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'none';
    const labels = { method, route, status: String(reply.statusCode) };
    context.metrics.requestSeconds.observe(labels, reply.elapsedTime / 1000);
    done();
  });

  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ringmaster',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: describeRoute,
  });
  const turns = new Turns();
  jobRoutes(server, context, turns);
  curveRoutes(server, context, turns);
  ledgerRoutes(server, context);
  profileRoutes(server, context);
  eventRoutes(server, context, turns);
  logRoutes(server, context);
  modelRoutes(server, context, turns);
  accessRoutes(server, context);
  clusterRoutes(server, context, turns);
  storageRoutes(server, context, turns);
  healthRoutes(server, context);
  await blobRoutes(server, context);
  await taskRoutes(server, context);
  server.get('/openapi.json', { schema: { hide: true } }, (request) =>
    describeApi(server.swagger(), `${request.protocol}://${request.host}`),
  );
  return server;
}

/** A server that speaks TLS, with the settings that fastify gives those that it makes itself. */
function tlsServer({ cert, key }: Certificate, handler: RequestListener) {
  return createTlsServer(
    { cert, key, minVersion: 'TLSv1.3', requireHostHeader: false, requestTimeout: 0 },
    handler,
  );
}
