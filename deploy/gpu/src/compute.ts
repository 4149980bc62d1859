import { fileURLToPath } from 'node:url';
import { trainerEnvironment, type Device } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { failureOf, runProgram } from './program.js';
import { ClaimFailed, code, type Context } from './section.js';

export const taskSchema = z.discriminatedUnion('task', [
  z.object({
    task: z.literal('matmul'),
    size: z.int().positive(),
    /** Of the matrices whose product is timed; 0 for none. */
    rateSize: z.int().min(0),
    path: z.string(),
  }),
  z.object({
    task: z.literal('gradients'),
    architecture: z.enum(['bert', 'gpt']),
    precision: z.enum(['float32', 'bfloat16']),
    dropout: z.number(),
    path: z.string(),
  }),
]);
export type ComputeTask = z.infer<typeof taskSchema>;

export const answerSchema = z.object({
  device: z.enum(['cpu', 'gpu']),
  version: z.string(),
  libraries: z.record(z.string(), z.number()),
  teraflops: z.object({ float32: z.number(), bfloat16: z.number() }).optional(),
  lossSum: z.number().optional(),
  repeats: z.boolean().optional(),
  tensors: z.array(z.object({ name: z.string(), size: z.int() })).optional(),
  liveTensors: z.int().optional(),
});
export type Answer = z.infer<typeof answerSchema>;

/**
 * Has a process of its own compute something, in the environment of a trainer.
 * @param extra variables beside that environment
 */
export async function compute(
  task: ComputeTask,
  device: Device,
  { leftMs }: Context,
  extra: NodeJS.ProcessEnv = {},
): Promise<{ readonly answer: Answer; readonly log: string; readonly seconds: number }> {
  const program = fileURLToPath(new URL('./compute.process.js', import.meta.url));
  const finished = await runProgram(process.execPath, [program, JSON.stringify(task)], {
    env: { ...trainerEnvironment({ threads: 1, device }), ...extra },
    limitMs: leftMs(),
  });
  const failure = failureOf(finished);
  if (failure !== null) throw new ClaimFailed(`${task.task} on the ${device.kind}: ${failure}`);
  const line = finished.out.trim().split('\n').at(-1) ?? '';
  const answer = answerSchema.parse(JSON.parse(line));
  if (answer.device !== device.kind)
    throw new ClaimFailed('TensorFlow registers no card', ['TensorFlow says:', code(finished.err)]);
  return { answer, log: finished.err, seconds: finished.seconds };
}
