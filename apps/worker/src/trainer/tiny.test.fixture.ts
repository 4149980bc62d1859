import { expect } from 'vitest';
import { form, type TrainerProcess, type TrainingGround } from './trainers.test.fixture.js';

export const microbatches = 4;

const words =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );

/** Lines that a pure function of their number makes. */
export function lines(count: number): string {
  const line = (number: number) =>
    Array.from(
      { length: 6 + (number % 7) },
      (_, at) => words[(number * 7 + at * at * 3) % words.length],
    ).join(' ');
  return Array.from({ length: count }, (_, number) => `${line(number)} ${number}`).join('\n');
}

/** A job whose steps take milliseconds. */
export async function tinyJob(ground: TrainingGround, changes: object): Promise<object> {
  return {
    kind: 'pretrain',
    name: 'tiny',
    model: { architecture: 'bert', layers: 2, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
    data: { files: await ground.file('lines.txt', lines(400)), format: 'lines', validation: 0.1 },
    objective: 'masked-language-model',
    batch: { sequences: 8, microbatches },
    optimizer: { learningRate: 1e-3 },
    steps: 24,
    seed: 3,
    ...changes,
  };
}

/** Trains from the specification to the end. */
export async function train(ground: TrainingGround, job: object, size: number) {
  const launch = await ground.launchOf(job);
  const trainers = await Promise.all(Array.from({ length: size }, () => ground.trainer(launch)));
  await form(trainers, { generation: 1, begin: { at: 'specification' }, microbatches });
  const finished = await finish(trainers, 1);
  await Promise.all(trainers.map((trainer) => trainer.end()));
  return { launch, finished, messages: trainers.map((trainer) => trainer.messages) };
}

/** Waits until trainers have finished a generation, all at one position, and returns what rank 0 says. */
export async function finish(trainers: readonly TrainerProcess[], generation: number) {
  const finished = await Promise.all(
    trainers.map((trainer) =>
      trainer.next('finished', (message) => message.generation === generation),
    ),
  );
  const [first] = finished;
  if (first === undefined) throw new Error('nobody finished');
  for (const { position } of finished) expect(position).toEqual(first.position);
  return first;
}
