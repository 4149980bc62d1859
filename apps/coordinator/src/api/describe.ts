import { errorBodySchema, errors, RingmasterError, type ErrorCode } from '@ringmaster/protocol';
import { z } from 'zod';
import { operationOf, type Operation } from './routes.js';

/** Operations by path and method. */
type Paths = Readonly<Record<string, Readonly<Record<string, Described>>>>;

interface Described {
  readonly requestBody?: { readonly content?: Readonly<Record<string, object>> };
  readonly responses?: Readonly<Record<string, object>>;
}

const tags = {
  jobs: 'What is to be trained, how it stands, and what it has told.',
  models: 'Finished artifacts and where they come from.',
  blobs: 'Content of artifacts, by its SHA-256.',
  workers: 'Processes that compute.',
  incidents: 'Failures and what was done about them.',
  cluster: 'The coordinator and all that belongs to it.',
  access: 'Tokens, and machines that join with them.',
  health: 'For those who watch the coordinator; no token is asked for.',
};

/** Errors that no detail of the request makes, with what they say. */
const examples = {
  REQUEST_INVALID: new RingmasterError('REQUEST_INVALID', { reason: 'limit: expected a number' }),
  UNAUTHORIZED: new RingmasterError('UNAUTHORIZED', {}),
  SCOPE_MISSING: new RingmasterError('SCOPE_MISSING', { need: 'submit' }),
  HOST_REFUSED: new RingmasterError('HOST_REFUSED', { host: 'rebind.example' }),
  ORIGIN_REFUSED: new RingmasterError('ORIGIN_REFUSED', { origin: 'https://other.example' }),
  REQUEST_TOO_LARGE: new RingmasterError('REQUEST_TOO_LARGE', { limit: 1_048_576 }),
  MEDIA_TYPE_UNSUPPORTED: new RingmasterError('MEDIA_TYPE_UNSUPPORTED', { type: 'text/plain' }),
  JOB_NOT_FOUND: new RingmasterError('JOB_NOT_FOUND', { id: 'mail-bert' }),
  MODEL_NOT_FOUND: new RingmasterError('MODEL_NOT_FOUND', { id: 'mail-bert' }),
};

const submission = {
  spec: {
    kind: 'pretrain',
    name: 'mail-bert',
    objective: 'masked-language-model',
    steps: 300,
    model: { architecture: 'bert', layers: 4, hidden: 256, heads: 4, context: 128 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 8192 },
    data: { corpus: 'spam-assassin' },
    batch: { sequences: 64, microbatches: 8 },
    optimizer: { learningRate: 0.0005 },
  },
};

/**
 * Completes what the schemas of the routes say of the API: the name of each operation, what it asks for, and the errors
 * that it answers with, from the list of routes and the registry of errors.
 * @param document As @fastify/swagger makes it of the routes.
 * @param url Where the API is, as who asks has addressed it.
 */
export function describeApi(document: { readonly paths?: unknown }, url: string): object {
  const paths = Object.entries((document.paths ?? {}) as Paths).map(([path, methods]) => {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    const operations = Object.entries(methods).map(([method, described]) => {
      const operation = operationOf(method.toUpperCase(), pattern);
      if (operation === undefined) throw new Error(`${method} ${path} is no operation`);
      return [method, complete(described, operation, method)] as const;
    });
    return [path, Object.fromEntries(operations)] as const;
  });
  return {
    ...document,
    servers: [{ url, description: 'This coordinator.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of a secure cluster with the scope that is named; others ask for none.',
        },
      },
      schemas: { Error: errorSchema() },
    },
  };
}

function complete(described: Described, { id, needs, fails }: Operation, method: string): object {
  const { requestBody, responses = {} } = described;
  const changes = !['get', 'head'].includes(method);
  const codes: ErrorCode[] = [
    'REQUEST_INVALID' as const,
    'HOST_REFUSED' as const,
    ...(needs === 'nothing' ? [] : ['UNAUTHORIZED' as const, 'SCOPE_MISSING' as const]),
    ...(changes ? ['ORIGIN_REFUSED' as const] : []),
    ...(requestBody === undefined
      ? []
      : (['REQUEST_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED'] as const)),
    ...fails,
    'INTERNAL',
  ];
  const statuses = [...new Set(codes.map((code) => errors[code].status))].sort();
  const failures = statuses.map(
    (status) => [status, failure(codes.filter((code) => errors[code].status === status))] as const,
  );
  const content = requestBody?.content?.['application/json'];
  return {
    ...described,
    operationId: method === 'head' ? `head${id.replace(/^get/, '')}` : id,
    security: needs === 'nothing' ? [] : [{ token: [needs] }],
    ...(id === 'submitJob' && content !== undefined
      ? {
          requestBody: {
            ...requestBody,
            content: { 'application/json': { ...content, example: submission } },
          },
        }
      : {}),
    responses: { ...succeeded(responses), ...Object.fromEntries(failures) },
  };
}

/** Answers of a route, told what they are where their schemas do not. */
function succeeded(responses: Readonly<Record<string, object>>): object {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      { ...response, description: status === '503' ? 'It is not ready.' : 'It is done.' },
    ]),
  );
}

function failure(codes: readonly ErrorCode[]): object {
  const shown = codes.flatMap((code) =>
    code in examples ? [[code, { value: examples[code as keyof typeof examples].toBody() }]] : [],
  );
  return {
    description: codes.join(', '),
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/Error' },
        ...(shown.length === 0 ? {} : { examples: Object.fromEntries(shown) as object }),
      },
    },
  };
}

function errorSchema(): object {
  const { $schema: _, ...schema } = z.toJSONSchema(errorBodySchema);
  return { ...schema, description: 'Every failure; docs/reference/errors.md lists the codes.' };
}
