import { jobViewSchema, stepPointSchema, type JobView, type StepPoint } from '@ringmaster/protocol';
import { ringmaster } from './ringmaster.js';

/** A job that has succeeded, with its result. */
export type FinishedJob = JobView & { result: NonNullable<JobView['result']> };

export async function finishedJob(id: string, home: string): Promise<FinishedJob> {
  const job = jobViewSchema.parse(
    JSON.parse(await ringmaster(['job', id, '--json', '--home', home], { quiet: true })),
  );
  if (job.result === null) throw new Error(`job ${id} has no result`);
  return { ...job, result: job.result };
}

export async function lossCurve(url: string, id: string): Promise<StepPoint[]> {
  const response = await fetch(`${url}/v1/jobs/${id}/steps`);
  return stepPointSchema.array().parse(await response.json());
}
