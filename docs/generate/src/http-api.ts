import { errors, isErrorCode, type ErrorCode } from '@ringmaster/protocol';
import { z } from 'zod';

/** Errors that a route may answer with whatever it is for. */
const ANYWHERE: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'UNAUTHORIZED',
  'HOST_REFUSED',
  'ORIGIN_REFUSED',
  'REQUEST_TOO_LARGE',
  'MEDIA_TYPE_UNSUPPORTED',
  'METHOD_NOT_ALLOWED',
  'NOT_FOUND',
  'HEADERS_TOO_LARGE',
  'REQUEST_TIMED_OUT',
  'INTERNAL',
];

const schemaSchema = z.object({
  type: z.unknown().optional(),
  get items() {
    return schemaSchema.optional();
  },
  properties: z.record(z.string(), z.unknown()).optional(),
});
const contentSchema = z.record(z.string(), z.object({ schema: schemaSchema.optional() }));
const operationSchema = z.object({
  summary: z.string(),
  parameters: z
    .array(
      z.object({
        in: z.string(),
        name: z.string(),
        description: z.string().optional(),
        schema: z.object({ default: z.unknown().optional() }).optional(),
      }),
    )
    .default([]),
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z
    .record(
      z.string(),
      z.object({ description: z.string().default(''), content: contentSchema.optional() }),
    )
    .default({}),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});

/** The reference page of the HTTP API, from the description that a coordinator gives of itself. */
export function httpApiPage(openApi: unknown): string {
  const { paths } = documentSchema.parse(openApi);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      describe(`${method.toUpperCase()} ${path}`, operation),
    ),
  );
  return [
    '# HTTP API',
    '',
    'A coordinator describes itself in full at `/openapi.json`. Bodies are JSON unless said otherwise; failures are',
    '`{ code, message, remedy, detail }` (`docs/reference/errors.md`). With a token (`ringmaster up --secure`) everything',
    'under `/v1` asks for it: `Authorization: Bearer TOKEN`.',
    '',
    'Lists come newest first, workers by id, `limit` items at most, and go on behind the last with `before`. Curves are thinned to `points`',
    'at most, of which the extremes stay. Events have ids: a client that sends the last one as `Last-Event-ID` is told first',
    'what it has missed.',
    '',
    'Events of a job are server-sent: `job` tells how it stands, at once and whenever that changes; `step` and `evaluation`',
    'are points of its curves; `incident` tells of a failure, and again once the run has recovered from it.',
    '',
    'Any request may be answered with:',
    '',
    '| status | code | when |',
    '|---|---|---|',
    ...ANYWHERE.map(
      (code) => `| ${errors[code].status} | \`${code}\` | ${occasions[code] ?? ''} |`,
    ),
    '',
    ...operations.flat(),
  ].join('\n');
}

const occasions: Partial<Record<ErrorCode, string>> = {
  REQUEST_INVALID: 'A parameter or the body is not as described.',
  UNAUTHORIZED: 'The cluster asks for a token, and it is missing or wrong.',
  HOST_REFUSED: 'On loopback: the Host header names no address or name of this server.',
  ORIGIN_REFUSED: 'It would change something, and was sent by a web page of another origin.',
  REQUEST_TOO_LARGE: 'The body is longer than 1 MiB; blobs may have any length.',
  MEDIA_TYPE_UNSUPPORTED: 'The body is not JSON by its Content-Type.',
  METHOD_NOT_ALLOWED: 'The path takes other methods, which the header Allow lists.',
  NOT_FOUND: 'There is no such path.',
  HEADERS_TOO_LARGE: 'The address and headers are too long.',
  REQUEST_TIMED_OUT: 'It did not arrive in time.',
  INTERNAL: 'A defect; the log of the coordinator has it whole.',
};

/** The errors of its own that an operation answers with, by status. */
function failuresOf(responses: z.infer<typeof operationSchema>['responses']): string[] {
  return Object.entries(responses).flatMap(([status, { description }]) => {
    const codes = description
      .split(', ')
      .filter((code) => isErrorCode(code) && !ANYWHERE.includes(code));
    return codes.length === 0 ? [] : [`${status} ${codes.map((code) => `\`${code}\``).join(', ')}`];
  });
}

function describe(
  title: string,
  { summary, parameters, requestBody, responses }: z.infer<typeof operationSchema>,
): string[] {
  const wanted = parameters.filter((parameter) => parameter.in !== 'header');
  const rows = wanted.map(({ name, description = '', schema }) => {
    const preset = schema?.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
    return `| \`${name}\` | ${preset} | ${description} |`;
  });
  const takes = requestBody === undefined ? [] : [`Takes ${typesOf(requestBody.content)}.`];
  const succeeded = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const answers = succeeded.map(([status, { content }]) =>
    content === undefined ? status : `${status} with ${typesOf(content)}`,
  );
  const failures = failuresOf(responses);
  const fails = failures.length === 0 ? [] : [`Fails with ${failures.join('; ')}.`];
  return [
    `## ${title}`,
    '',
    [summary, ...takes, `Answers ${answers.join(' or ')}.`, ...fails].join(' '),
    '',
    ...(rows.length === 0
      ? []
      : ['| parameter | default | meaning |', '|---|---|---|', ...rows, '']),
  ];
}

function typesOf(content: z.infer<typeof contentSchema>): string {
  return Object.entries(content)
    .map(([type, { schema }]) => shapeOf(schema) ?? `\`${type}\``)
    .join(' or ');
}

/** The keys of a value, which its schema in /openapi.json describes in full. */
function shapeOf(schema: z.infer<typeof schemaSchema> | undefined): string | null {
  const shape = schema?.items ?? schema;
  if (shape?.properties === undefined) return null;
  const keys = Object.keys(shape.properties).join(', ');
  return schema?.items === undefined ? `\`{ ${keys} }\`` : `a list of \`{ ${keys} }\``;
}
