import { entry } from './define.js';

/** Errors of the cluster: coordinator, workers, home directory, access. */
export const clusterErrors = {
  COORDINATOR_UNREACHABLE: entry<{ url: string }>({
    status: 503,
    exit: 3,
    message: ({ url }) => `No coordinator answers at ${url}`,
    remedy: 'Start one with: ringmaster up',
  }),
  COORDINATOR_RUNNING: entry<{ url: string; pid: number }>({
    status: 409,
    exit: 1,
    message: ({ url, pid }) => `A coordinator already runs at ${url} (process ${pid})`,
    remedy: 'Use it, or end it with: ringmaster down',
  }),
  PORT_IN_USE: entry<{ host: string; port: number }>({
    status: 500,
    exit: 1,
    message: ({ host, port }) => `Port ${port} on ${host} is in use by another program`,
    remedy: 'Choose another with --port, or leave --port out to take a free one.',
  }),
  HOME_NOT_WRITABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ path, reason }) => `Home directory ${path} cannot be written: ${reason}`,
    remedy: 'Choose another with --home or RINGMASTER_HOME, or mend its permissions.',
  }),
  DISK_FULL: entry<{ path: string }>({
    status: 507,
    exit: 1,
    message: ({ path }) => `No disk space is left to write ${path}; nothing was kept of it`,
    remedy: 'Free space, or choose another home directory with --home.',
  }),
  BIND_REFUSED: entry<{ host: string }>({
    status: 500,
    exit: 2,
    message: ({ host }) => `Binding to ${host} is refused without an API token and CURVE keys`,
    remedy: 'Create them with: ringmaster up --secure, or bind to 127.0.0.1.',
  }),
  UNAUTHORIZED: entry<object>({
    status: 401,
    exit: 1,
    message: () => 'The API token is missing or wrong',
    remedy:
      'Give the token that `ringmaster up` wrote under its home directory in RINGMASTER_TOKEN.',
  }),
  REQUEST_INVALID: entry<{ reason: string }>({
    status: 400,
    exit: 2,
    message: ({ reason }) => `The request is invalid: ${reason}`,
    remedy: 'The API is described at /openapi.json.',
  }),
  NOT_FOUND: entry<{ what: string }>({
    status: 404,
    exit: 4,
    message: ({ what }) => `${what} does not exist`,
    remedy: 'Check the name; the API is described at /openapi.json.',
  }),
  INTERNAL: entry<{ reason: string }>({
    status: 500,
    exit: 1,
    message: ({ reason }) => `Unexpected failure: ${reason}`,
    remedy: 'This is a defect: please report it with the coordinator log.',
  }),
  MESSAGE_INVALID: entry<{ from: string; reason: string }>({
    status: 400,
    exit: 1,
    message: ({ from, reason }) => `A control message from ${from} is invalid: ${reason}`,
    remedy: 'Run the same Ringmaster version everywhere.',
  }),
  WORKER_LOST: entry<{ worker: string; reason: string }>({
    status: 503,
    exit: 1,
    message: ({ worker, reason }) => `Worker ${worker} is gone: ${reason}`,
    remedy: 'Its jobs go on elsewhere; look at the worker log on its host.',
  }),
} as const;
