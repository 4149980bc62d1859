import { entry } from './define.js';

/** Errors of job files and of what is asked of jobs. */
export const jobErrors = {
  JOB_FILE_UNREADABLE: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ path, reason }) => `Job file ${path} cannot be read: ${reason}`,
    remedy: 'Check the path, and that the file is YAML or JSON.',
  }),
  JOB_FILE_UNKNOWN_KEY: entry<{ key: string; nearest: string | null }>({
    status: 400,
    exit: 2,
    message: ({ key, nearest }) =>
      `Job file has an unknown key '${key}'` +
      (nearest === null ? '' : `; did you mean '${nearest}'?`),
    remedy: 'Remove or rename the key; docs/reference/job-file.md lists every key.',
  }),
  JOB_FILE_INVALID: entry<{ key: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ key, reason }) => `Job file key '${key}' is invalid: ${reason}`,
    remedy: 'Correct the value; docs/reference/job-file.md gives its type, unit and range.',
  }),
  JOB_NOT_FOUND: entry<{ id: string }>({
    status: 404,
    exit: 4,
    message: ({ id }) => `No job has the id '${id}'`,
    remedy: 'List the jobs with: ringmaster jobs',
  }),
  JOB_STATE_CONFLICT: entry<{ id: string; state: string; verb: string }>({
    status: 409,
    exit: 1,
    message: ({ id, state, verb }) => `Job ${id} is ${state}; it cannot be asked to ${verb}`,
    remedy: 'Look at the job with: ringmaster job ID',
  }),
  JOB_FAILED: entry<{ id: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ id, reason }) => `Job ${id} failed: ${reason}`,
    remedy: 'Read its last lines with: ringmaster logs ID',
  }),
  JOB_DEPENDENCY_UNKNOWN: entry<{ reference: string }>({
    status: 400,
    exit: 2,
    message: ({ reference }) =>
      `Job file names '${reference}', which is neither a job, a model nor a directory`,
    remedy: 'List what exists with: ringmaster jobs; ringmaster models',
  }),
} as const;
