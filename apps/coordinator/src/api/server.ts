import { timingSafeEqual } from 'node:crypto';
import swagger from '@fastify/swagger';
import { RingmasterError, sha256 } from '@ringmaster/protocol';
import fastify, { LogController, type FastifyBaseLogger } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { version } from '../version.js';
import { blobRoutes } from './blobs.js';
import { clusterRoutes } from './cluster.js';
import type { ApiContext, Server } from './context.js';
import { answerError } from './errors.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { jobRoutes } from './jobs.js';
import { ledgerRoutes } from './ledger.js';
import { logRoutes } from './logs.js';
import { modelRoutes } from './models.js';
import { profileRoutes } from './profile.js';

/**
 * The HTTP API, described by itself at /openapi.json.
 * @param token Bearer token that every route under /v1 asks for; null for none.
 */
export async function createServer(
  context: ApiContext,
  token: string | null,
  log: Logger,
): Promise<Server> {
  const base: FastifyBaseLogger = log;
  const server: Server = fastify({
    loggerInstance: base,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0] ?? ''}`;
    answerError(new RingmasterError('NOT_FOUND', { what }), request, reply);
  });
  if (token !== null) requireToken(server, token);
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
      info: { title: 'Ringmaster', version, license: { name: 'Apache-2.0' } },
    },
    transform: jsonSchemaTransform,
  });
  jobRoutes(server, context);
  ledgerRoutes(server, context);
  profileRoutes(server, context);
  eventRoutes(server, context);
  logRoutes(server, context);
  modelRoutes(server, context);
  clusterRoutes(server, context);
  healthRoutes(server, context);
  await blobRoutes(server, context);
  server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger());
  return server;
}

function requireToken(server: Server, token: string): void {
  const expected = Buffer.from(sha256(`Bearer ${token}`));
  server.addHook('onRequest', (request, _reply, done) => {
    const given = Buffer.from(sha256(request.headers.authorization ?? ''));
    const open = !request.url.startsWith('/v1/');
    // Hashes have one length, which is what a comparison in constant time needs.
    if (open || timingSafeEqual(given, expected)) done();
    else done(new RingmasterError('UNAUTHORIZED', {}));
  });
}
