import { entry } from './define.js';

/** Errors of who may do what: tokens, certificates, and machines that want to join. */
export const accessErrors = {
  BIND_REFUSED: entry<{ host: string }>({
    status: 500,
    exit: 2,
    message: ({ host }) => `Binding to ${host} is refused without an API token and CURVE keys`,
    remedy: 'Create them with: ringmaster up --secure, or bind to 127.0.0.1.',
  }),
  UNAUTHORIZED: entry<object>({
    status: 401,
    exit: 1,
    message: () => 'The API token is missing, wrong or revoked',
    remedy:
      'Give the token that `ringmaster up` wrote under its home directory, or one of `ringmaster token create`, in RINGMASTER_TOKEN.',
  }),
  SCOPE_MISSING: entry<{ need: string }>({
    status: 403,
    exit: 1,
    message: ({ need }) => `The API token does not have the scope for this: ${need}`,
    remedy: 'Ask whoever runs the cluster for one: ringmaster token create NAME --scope SCOPE',
  }),
  TOKEN_NOT_FOUND: entry<{ id: string }>({
    status: 404,
    exit: 4,
    message: ({ id }) => `There is no token '${id}'`,
    remedy: 'List them with: ringmaster token list',
  }),
  TOKEN_KEPT: entry<{ path: string }>({
    status: 409,
    exit: 1,
    message: ({ path }) =>
      `The token to join with is revoked, but ${path} holds it still and cannot be removed`,
    remedy:
      'Put another there (of a Secret of Kubernetes: the key join.token) and start the coordinator again; the one that is revoked stays so.',
  }),
  NOT_SECURE: entry<object>({
    status: 409,
    exit: 1,
    message: () => 'This cluster asks for no tokens, so there are none to make',
    remedy: 'End it, and start it with: ringmaster up --secure',
  }),
  HOST_REFUSED: entry<{ host: string }>({
    status: 403,
    exit: 1,
    message: ({ host }) => `The request is addressed to '${host}', which is no name of this server`,
    remedy: 'Use its address or localhost, or start the server with --allowed-host and the name.',
  }),
  ORIGIN_REFUSED: entry<{ origin: string }>({
    status: 403,
    exit: 1,
    message: ({ origin }) => `A web page of another origin (${origin}) may change nothing here`,
    remedy: 'Use the command line, or a client that is no web page.',
  }),
  CERTIFICATE_REFUSED: entry<{ url: string; reason: string }>({
    status: 502,
    exit: 3,
    message: ({ url, reason }) => `The certificate at ${url} is refused: ${reason}`,
    remedy:
      'If the coordinator has a new certificate, take its new join string. If not, somebody answers in its place.',
  }),
  CERTIFICATE_UNUSABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 2,
    message: ({ path, reason }) => `The certificate ${path} cannot be used: ${reason}`,
    remedy: 'Give --tls-cert and --tls-key one pair in PEM, or neither: up --secure makes one.',
  }),
  JOIN_STRING_INVALID: entry<{ reason: string }>({
    status: 400,
    exit: 2,
    message: ({ reason }) => `This is no whole join string: ${reason}`,
    remedy: 'Copy it again from where it was printed; `ringmaster up --secure` prints it again.',
  }),
  HOME_IN_USE: entry<{ path: string }>({
    status: 409,
    exit: 2,
    message: ({ path }) =>
      `A coordinator runs on ${path}, which cannot be the home of a machine that joins`,
    remedy: 'Give another with --home, or start workers of this cluster with: ringmaster worker',
  }),
  MACHINE_UNFIT: entry<{ checks: string }>({
    status: 409,
    exit: 1,
    message: ({ checks }) => `This machine lacks what a worker needs: ${checks}`,
    remedy: 'Mend that first; see all of it with: ringmaster doctor',
  }),
  PROCESSOR_DIFFERS: entry<{ host: string; found: string; expected: string }>({
    status: 409,
    exit: 1,
    message: ({ host, found, expected }) =>
      `${host} has another kind of processor (${found}) than the workers of this cluster (${expected})`,
    remedy:
      'Runs are computed by one kind of processor: let it be a worker of a cluster of its own kind.',
  }),
  CLOCK_DIFFERS: entry<{ host: string; seconds: number }>({
    status: 409,
    exit: 1,
    message: ({ host, seconds }) =>
      `The clock of ${host} is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the coordinator's`,
    remedy: 'Set both clocks (chrony, systemd-timesyncd), then join again.',
  }),
} as const;
