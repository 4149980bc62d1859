import { targetPath } from '@ringmaster/base/server';
import type { ErrorCode, Need } from '@ringmaster/protocol';

/** What is said of a route beside its schema. */
export interface Operation {
  /** Name of the operation in the description of the API. */
  readonly id: string;
  /** What the operation asks of whoever calls it. */
  readonly needs: Need;
  /** Errors that its handler answers with, beside those that any route may. */
  readonly fails: readonly ErrorCode[];
}

/** A reference to a job, or to a model, that means none or several. */
const noJob: readonly ErrorCode[] = ['JOB_NOT_FOUND', 'REFERENCE_AMBIGUOUS'];
const noModel: readonly ErrorCode[] = ['MODEL_NOT_FOUND', 'REFERENCE_AMBIGUOUS'];

/** What is wrong with a model that cannot be used. */
const unfitModel: readonly ErrorCode[] = [
  'MODEL_FILE_UNREADABLE',
  'MODEL_CONFIG_UNSUPPORTED',
  'MODEL_CONFIG_INVALID',
  'MODEL_UNUSABLE',
  'SAFETENSORS_INVALID',
  'SAFETENSORS_DTYPE',
  'MODEL_TENSOR_MISSING',
  'MODEL_TENSOR_SHAPE',
];

/** What can be known of a job that is to be submitted. */
const unfit: readonly ErrorCode[] = [
  'JOB_FILE_INVALID',
  'JOB_FILE_UNKNOWN_KEY',
  'JOB_DEPENDENCY_UNKNOWN',
  'REFERENCE_AMBIGUOUS',
  'DATA_PATH_REFUSED',
  'DATA_NO_FILES',
  'DATA_FILE_EMPTY',
  'DATA_FORMAT_UNKNOWN',
  'MODEL_DIRECTORY_INVALID',
  ...unfitModel,
];

/** Every route, by method and pattern. One that is missing here cannot be registered; HEAD goes with GET. */
export const operations: Readonly<Record<string, Operation>> = {
  'GET /healthz': { id: 'getHealth', needs: 'nothing', fails: [] },
  'GET /readyz': { id: 'getReadiness', needs: 'nothing', fails: [] },
  'GET /metrics': { id: 'getMetrics', needs: 'nothing', fails: [] },
  'GET /openapi.json': { id: 'getDescription', needs: 'nothing', fails: [] },

  'GET /v1/jobs': { id: 'listJobs', needs: 'read', fails: noJob },
  'POST /v1/jobs': {
    id: 'submitJob',
    needs: 'submit',
    fails: [...unfit, 'DISK_FULL'],
  },
  'POST /v1/jobs/check': { id: 'checkJob', needs: 'submit', fails: unfit },
  'GET /v1/jobs/:id': { id: 'getJob', needs: 'read', fails: noJob },
  'DELETE /v1/jobs/:id': {
    id: 'removeJob',
    needs: 'admin',
    fails: [...noJob, 'JOB_STATE_CONFLICT', 'JOB_IN_USE'],
  },
  'POST /v1/jobs/:id/cancel': {
    id: 'cancelJob',
    needs: 'submit',
    fails: [...noJob, 'JOB_STATE_CONFLICT'],
  },
  'POST /v1/jobs/:id/pause': {
    id: 'pauseJob',
    needs: 'submit',
    fails: [...noJob, 'JOB_STATE_CONFLICT'],
  },
  'POST /v1/jobs/:id/resume': {
    id: 'resumeJob',
    needs: 'submit',
    fails: [...noJob, 'JOB_STATE_CONFLICT'],
  },
  'GET /v1/jobs/:id/spec': { id: 'getSpec', needs: 'read', fails: noJob },
  'GET /v1/jobs/:id/steps': { id: 'getSteps', needs: 'read', fails: noJob },
  'GET /v1/jobs/:id/evaluations': { id: 'getEvaluations', needs: 'read', fails: noJob },
  'GET /v1/jobs/:id/ledger': {
    id: 'getLedger',
    needs: 'read',
    fails: [...noJob, 'JOB_STATE_CONFLICT'],
  },
  'GET /v1/jobs/:id/profile': { id: 'getProfile', needs: 'read', fails: noJob },
  'GET /v1/jobs/:id/events': { id: 'followJob', needs: 'read', fails: noJob },
  'GET /v1/jobs/:id/logs': { id: 'getLogs', needs: 'read', fails: noJob },

  'GET /v1/models': { id: 'listModels', needs: 'read', fails: noModel },
  'POST /v1/models': {
    id: 'registerModel',
    needs: 'submit',
    fails: ['MODEL_INCOMPLETE', ...unfitModel],
  },
  'GET /v1/models/:id': { id: 'getModel', needs: 'read', fails: noModel },
  'DELETE /v1/models/:id': {
    id: 'removeModel',
    needs: 'admin',
    fails: [...noModel, 'MODEL_IN_USE'],
  },

  'GET /v1/names/:name': {
    id: 'resolveName',
    needs: 'read',
    fails: noModel,
  },

  'GET /v1/data': { id: 'listData', needs: 'read', fails: ['DATA_NOT_FOUND'] },
  'DELETE /v1/data/:id': {
    id: 'removeData',
    needs: 'admin',
    fails: ['DATA_NOT_FOUND', 'REFERENCE_AMBIGUOUS', 'DATA_IN_USE'],
  },
  'POST /v1/prune': { id: 'prune', needs: 'admin', fails: [] },

  'GET /v1/blobs/:sha256': {
    id: 'getBlob',
    needs: 'read',
    fails: ['BLOB_MISSING', 'RANGE_INVALID'],
  },
  'PUT /v1/blobs/:sha256': {
    id: 'putBlob',
    needs: 'store',
    fails: ['BLOB_HASH_MISMATCH', 'DISK_FULL'],
  },

  'GET /v1/tasks/:lease': { id: 'getTask', needs: 'join', fails: ['TASK_WITHDRAWN'] },
  'GET /v1/tasks/:lease/inputs/:sha256': {
    id: 'getTaskInput',
    needs: 'join',
    fails: ['TASK_WITHDRAWN', 'BLOB_MISSING'],
  },
  'PUT /v1/tasks/:lease/parts/:sha256': {
    id: 'putTaskPart',
    needs: 'join',
    fails: ['TASK_WITHDRAWN', 'TASK_ANSWER_INVALID', 'BLOB_HASH_MISMATCH', 'DISK_FULL'],
  },
  'PUT /v1/tasks/:lease/answer': {
    id: 'putTaskAnswer',
    needs: 'join',
    fails: ['TASK_WITHDRAWN', 'TASK_ANSWER_INVALID', 'DISK_FULL'],
  },

  'GET /v1/workers': { id: 'listWorkers', needs: 'read', fails: [] },
  'GET /v1/incidents': { id: 'listIncidents', needs: 'read', fails: noJob },
  'GET /v1/status': { id: 'getStatus', needs: 'read', fails: [] },
  'POST /v1/join': {
    id: 'joinCluster',
    needs: 'join',
    fails: ['VERSION_MISMATCH', 'CLOCK_DIFFERS', 'PROCESSOR_DIFFERS'],
  },
  'GET /v1/tokens': { id: 'listTokens', needs: 'admin', fails: [] },
  'POST /v1/tokens': { id: 'createToken', needs: 'admin', fails: ['NOT_SECURE'] },
  'DELETE /v1/tokens/:id': {
    id: 'revokeToken',
    needs: 'admin',
    fails: ['TOKEN_NOT_FOUND', 'TOKEN_KEPT'],
  },
  'POST /v1/shutdown': { id: 'shutDown', needs: 'admin', fails: [] },
};

/** What a worker is asked for that registers on the control plane: the same, by the same judge. */
export const registration = { needs: 'join' } as const satisfies Pick<Operation, 'needs'>;

/** The entry of a method and the pattern that a request was routed to; undefined for what is no route. */
export function operationOf(method: string, pattern: string | undefined): Operation | undefined {
  return operations[`${method === 'HEAD' ? 'GET' : method} ${pattern ?? ''}`];
}

/** Methods that the path of a request target has routes for; none where it names nothing. */
export function methodsAt(target: string): string[] {
  const given = targetPath(target).split('/').map(decoded);
  const methods = Object.keys(operations).flatMap((route) => {
    const [method = '', pattern = ''] = route.split(' ');
    const wanted = pattern.split('/');
    const matches =
      wanted.length === given.length &&
      wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]));
    return matches ? [method] : [];
  });
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // No route has such a name.
  }
}
