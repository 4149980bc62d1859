import { stateInWords, type JobState } from '../api/job-state.js';
import { entry } from './define.js';

/** What is wrong with one key of a job file, beside the first fault. */
type Faults = readonly string[];

const andOthers = (others: Faults = []) => others.map((other) => `; ${other}`).join('');

/** Errors of job files and of what is asked of jobs. */
export const jobErrors = {
  JOB_FILE_UNREADABLE: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ path, reason }) => `Job file ${path} cannot be read: ${reason}`,
    remedy: 'Check the path, and that the file is YAML or JSON.',
  }),
  JOB_FILE_UNKNOWN_KEY: entry<{ key: string; nearest: string | null; others?: Faults }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ key, nearest, others }) =>
      `Job file has an unknown key '${key}'` +
      (nearest === null ? '' : `; did you mean '${nearest}'?`) +
      andOthers(others),
    remedy: 'Remove or rename the key; docs/reference/job-file.md lists every key.',
  }),
  JOB_FILE_INVALID: entry<{ key: string; reason: string; others?: Faults }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ key, reason, others }) =>
      `Job file key '${key}' is invalid: ${reason}${andOthers(others)}`,
    remedy: 'Correct the value; docs/reference/job-file.md gives its type, unit and range.',
  }),
  FREEZE_UNMATCHED: entry<{ pattern: string; near: readonly string[] }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ pattern, near }) =>
      `The pattern '${pattern}' of tuning.freeze matches no parameter; near it: ` +
      near.map((name) => `'${name}'`).join(', '),
    remedy:
      'Correct the pattern: a name stands for all parameters under it, ** for any segments, {0..3} for a range.',
  }),
  LORA_UNMATCHED: entry<{ pattern: string; near: readonly string[] }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ pattern, near }) =>
      `The pattern '${pattern}' of tuning.lora.targets matches no linear layer; near it: ` +
      near.map((name) => `'${name}'`).join(', '),
    remedy:
      'Correct the pattern: a name stands for all layers under it, ** for any segments, {0..3} for a range.',
  }),
  FREEZE_EVERYTHING: entry<object>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: () => 'tuning.freeze leaves no parameter to be trained',
    remedy: 'Leave out a pattern, such as that of the head.',
  }),
  JOB_NOT_FOUND: entry<{ id: string }>({
    status: 404,
    exit: 4,
    message: ({ id }) => `No job has the id '${id}'`,
    remedy: 'List the jobs with: ringmaster jobs',
  }),
  REFERENCE_AMBIGUOUS: entry<{ reference: string; candidates: readonly string[]; more: boolean }>({
    status: 409,
    exit: 2,
    message: ({ reference, candidates, more }) =>
      `Several ids begin with '${reference}': ${candidates.join(', ')}${more ? ' and others' : ''}`,
    remedy: 'Give more of the id.',
  }),
  JOB_STATE_CONFLICT: entry<{ id: string; state: JobState; verb: string }>({
    status: 409,
    exit: 1,
    message: ({ id, state, verb }) => `Job ${id} ${stateInWords(state)}; it cannot ${verb}`,
    remedy: 'Look at the job with: ringmaster job ID',
  }),
  JOB_IN_USE: entry<{ id: string; job: string }>({
    status: 409,
    exit: 1,
    message: ({ id, job }) => `Job ${id} is what job ${job} comes after, which has not ended`,
    remedy: 'Wait for that job or cancel it, then remove this one.',
  }),
  JOB_FAILED: entry<{ id: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ id, reason }) => `Job ${id} failed: ${reason}`,
    remedy: 'Read its last lines with: ringmaster logs ID',
  }),
  JOB_DEPENDENCY_UNKNOWN: entry<{ reference: string; reason?: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ reference, reason }) =>
      reason === undefined
        ? `Job file names '${reference}', which is neither a job, a model nor a directory`
        : `Job file names '${reference}', which cannot be used: ${reason}`,
    remedy: 'List what exists with: ringmaster jobs; ringmaster models',
  }),
  JOB_DEPENDENCY_FAILED: entry<{
    id: string;
    name: string;
    dependency: string;
    dependencyName: string;
    state: JobState;
  }>({
    status: 409,
    exit: 1,
    fault: 'job',
    message: ({ id, name, dependency, dependencyName, state }) =>
      `Job ${name} (${id}) cannot start: it comes after job ${dependencyName} (${dependency}), which ${stateInWords(state)}`,
    remedy: 'Look at that other job with: ringmaster job ID; then submit both again.',
  }),
  JOB_CRASH_LOOP: entry<{ id: string; step: number; times: number; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ id, step, times, reason }) =>
      `Job ${id} failed ${times} times at step ${step}; the last time: ${reason}`,
    remedy: 'Read its last lines with: ringmaster logs ID',
  }),
  PREPARATION_DIED: entry<{ id: string; reason: string }>({
    status: 500,
    exit: 1,
    message: ({ id, reason }) => `The data preparation of job ${id} died: ${reason}`,
    remedy: 'Check the memory of the machine, then submit the job again.',
  }),
  MODEL_NOT_FOUND: entry<{ id: string; reason?: string }>({
    status: 404,
    exit: 4,
    message: ({ id, reason }) =>
      `No model has the id or name '${id}'${reason === undefined ? '' : `: ${reason}`}`,
    remedy: 'List the models with: ringmaster models',
  }),
  MODEL_INCOMPLETE: entry<{ manifest: string; reason: string }>({
    status: 422,
    exit: 1,
    fault: 'job',
    message: ({ manifest, reason }) => `Model ${manifest} cannot be registered: ${reason}`,
    remedy: 'Upload every file of the model, then its manifest, and register it again.',
  }),
  MODEL_IN_USE: entry<{ id: string; job: string }>({
    status: 409,
    exit: 1,
    message: ({ id, job }) => `Model ${id} is the base of job ${job}, which has not ended`,
    remedy: 'Wait for the job or cancel it, then remove the model.',
  }),
  MODEL_DIRECTORY_INVALID: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) => `${path} is not a model directory: ${reason}`,
    remedy: 'Give a directory with config.json, tokenizer.json and model.safetensors.',
  }),
} as const;
