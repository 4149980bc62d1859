import { entry } from './define.js';

/** Errors of the cluster: coordinator, workers, home directory. */
export const clusterErrors = {
  COORDINATOR_UNREACHABLE: entry<{ url: string } | { home: string }>({
    status: 503,
    exit: 3,
    message: (where) =>
      'url' in where
        ? `No coordinator answers at ${where.url}`
        : `No coordinator runs on ${where.home}`,
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
    remedy:
      'Free it, or choose another with --port or --control-port; machines that have joined join anew then.',
  }),
  PORT_NOT_PERMITTED: entry<{ port: number }>({
    status: 500,
    exit: 1,
    message: ({ port }) => `This user may not listen on port ${port}`,
    remedy: 'Choose one above 1023 with --port, or leave --port out to take a free one.',
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
  METHOD_NOT_ALLOWED: entry<{ method: string; what: string; allow: string }>({
    status: 405,
    exit: 1,
    message: ({ method, what, allow }) => `${what} takes no ${method}, only ${allow}`,
    remedy: 'The API is described at /openapi.json.',
  }),
  MEDIA_TYPE_UNSUPPORTED: entry<{ type: string }>({
    status: 415,
    exit: 1,
    message: ({ type }) =>
      type === '' ? 'The body has no Content-Type' : `A body of the type '${type}' is not taken`,
    remedy: 'Send JSON, with the header: Content-Type: application/json',
  }),
  REQUEST_TOO_LARGE: entry<{ limit: number; bytes?: number }>({
    status: 413,
    exit: 2,
    message: ({ limit, bytes }) =>
      bytes === undefined
        ? `The request is longer than ${limit} bytes`
        : `The request would have ${bytes} bytes; ${limit} is the most`,
    remedy:
      'Name files by their directory or by a pattern such as texts/*.txt, instead of listing each.',
  }),
  HEADERS_TOO_LARGE: entry<{ limit: number }>({
    status: 431,
    exit: 1,
    message: ({ limit }) => `The address and headers of the request are longer than ${limit} bytes`,
    remedy: 'Shorten them.',
  }),
  REQUEST_TIMED_OUT: entry<object>({
    status: 408,
    exit: 1,
    message: () => 'The request did not arrive in time',
    remedy: 'Send it again.',
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
  ADDRESS_UNAVAILABLE: entry<{ host: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ host, reason }) => `This machine cannot listen on ${host}: ${reason}`,
    remedy: 'Give --host an address of this machine; 127.0.0.1 is the default.',
  }),
  STORE_UNUSABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ path, reason }) => `The coordinator's store ${path} cannot be used: ${reason}`,
    remedy: 'Restore it from a backup, or choose another home directory with --home.',
  }),
  VERSION_MISMATCH: entry<{ worker: string; coordinator: string }>({
    status: 409,
    exit: 1,
    message: ({ worker, coordinator }) =>
      `A worker of version ${worker} cannot join a coordinator of version ${coordinator}`,
    remedy:
      'Install the version of the coordinator there; to upgrade, let jobs end, then upgrade the coordinator first.',
  }),
  NUMERICS_MISMATCH: entry<{ worker: string; key: string; found: string; expected: string }>({
    status: 409,
    exit: 1,
    message: ({ worker, key, found, expected }) =>
      `Worker ${worker} would compute other bytes than the run: its ${key} is ${found}, not ${expected}`,
    remedy: 'Run all workers of a job on one kind of processor with one set of versions.',
  }),
  BLOB_HASH_MISMATCH: entry<{ sha256: string; found: string }>({
    status: 422,
    exit: 1,
    fault: 'artifact',
    message: ({ sha256, found }) =>
      `What was sent for blob ${sha256} has the SHA-256 ${found}; nothing was kept`,
    remedy: 'Send it again.',
  }),
  TASK_WITHDRAWN: entry<{ lease: string }>({
    status: 410,
    exit: 1,
    message: ({ lease }) => `The lease ${lease} of a task of data preparation has ended`,
    remedy: 'Nothing is to be done: somebody else does the task, or nobody wants it any more.',
  }),
  TASK_ANSWER_INVALID: entry<{ reason: string }>({
    status: 422,
    exit: 1,
    message: ({ reason }) => `What was sent is no answer to a task of data preparation: ${reason}`,
    remedy: 'Run the same Ringmaster version everywhere; the task is done elsewhere.',
  }),
  RANGE_INVALID: entry<{ range: string; bytes: number }>({
    status: 416,
    exit: 1,
    message: ({ range, bytes }) => `The range '${range}' is not within the blob's ${bytes} bytes`,
    remedy: 'Ask for one range of bytes that the blob has.',
  }),
  USAGE: entry<{ reason: string }>({
    status: 400,
    exit: 2,
    message: ({ reason }) => reason,
    remedy: 'See what is accepted with: ringmaster VERB --help',
  }),
  START_FAILED: entry<{ process: string; reason: string; log: string }>({
    status: 500,
    exit: 1,
    message: ({ process, reason, log }) => `${process} did not start: ${reason} (log: ${log})`,
    remedy: 'Read that log; check this machine with: ringmaster doctor',
  }),
  STOP_FAILED: entry<{ processes: string }>({
    status: 500,
    exit: 1,
    message: ({ processes }) => `These processes could not be ended: ${processes}`,
    remedy: 'They belong to another user or hang in the kernel; end them by hand.',
  }),
  HOST_FAILED: entry<{ host: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ host, reason }) => `${host}: ${reason}`,
    remedy: 'Try by hand: ssh HOST. Then say again what you have said: what is done stays done.',
  }),
  JOB_CANCELLED: entry<{ id: string }>({
    status: 409,
    exit: 5,
    message: ({ id }) => `Job ${id} was cancelled`,
    remedy: 'Submit it again if that was not meant.',
  }),
  WAIT_TIMED_OUT: entry<{ id: string; state: string; timeout: string }>({
    status: 504,
    exit: 124,
    message: ({ id, state, timeout }) => `Job ${id} is still ${state} after ${timeout}`,
    remedy: 'It goes on; wait longer with: ringmaster wait ID --timeout 1h',
  }),
  INTERRUPTED: entry<{ what: string }>({
    status: 499,
    exit: 130,
    message: ({ what }) => `Interrupted; ${what}`,
    remedy: 'Come back to a job with: ringmaster wait ID; end it with: ringmaster cancel ID',
  }),
  DIRECTORY_EXISTS: entry<{ path: string }>({
    status: 409,
    exit: 1,
    message: ({ path }) => `${path} exists and is not an empty directory`,
    remedy: 'Name a directory that does not exist yet.',
  }),
  FILE_NOT_WRITABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ path, reason }) => `${path} cannot be written: ${reason}`,
    remedy: 'Name another file, or mend the permissions of its directory.',
  }),
  DIRECTORY_NOT_WRITABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ path, reason }) => `${path} cannot be written: ${reason}`,
    remedy: 'Name another directory, or mend its permissions.',
  }),
} as const;
