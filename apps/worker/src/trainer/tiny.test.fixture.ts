import { expect } from 'vitest';
import { change, form, type TrainerProcess, type TrainingGround } from './trainers.test.fixture.js';

export const microbatches = 4;

const words =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );

/** A sentence that a pure function of its number makes. */
export function sentence(number: number): string {
  return Array.from(
    { length: 6 + (number % 7) },
    (_, at) => words[(number * 7 + at * at * 3) % words.length],
  ).join(' ');
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, number) => `${sentence(number)} ${number}`).join('\n');
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
  const messages = trainers.map((trainer) => [...trainer.messages]);
  await Promise.all(trainers.map((trainer) => ground.rest(trainer)));
  return { launch, finished, messages };
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

type Launch = Awaited<ReturnType<TrainingGround['launchOf']>>;

/** One trainer, from the specification to the end. */
export async function alone(ground: TrainingGround, launch: Launch) {
  const { microbatches } = launch.spec.batch;
  const trainer = await ground.trainer(launch);
  await form([trainer], { generation: 1, begin: { at: 'specification' }, microbatches });
  const finished = await finish([trainer], 1);
  const messages = [...trainer.messages];
  await ground.rest(trainer);
  return { ...finished, messages };
}

/** Two trainers, which a third one joins, and of which one dies; the survivors go on to the end. */
export async function throughAKill(ground: TrainingGround, launch: Launch) {
  const { microbatches } = launch.spec.batch;
  const members = await Promise.all([1, 2, 3].map(() => ground.trainer(launch)));
  const [first, second, third] = members;
  if (first === undefined || second === undefined || third === undefined) throw new Error('3');
  await form([first, second], { generation: 1, begin: { at: 'specification' }, microbatches });
  await first.next('progress', ({ steps }) => steps.length > 0);
  await change([first, second], [third, first, second], { generation: 2, microbatches });
  await first.next('progress', (said) => said.generation === 2 && said.steps.length > 0);
  await first.end();
  await Promise.all([second.failure(), third.failure()]);
  return goOn(ground, [second, third], 3, microbatches);
}

/** Survivors of a ring go on to the end, from the newest state that one of them holds; returns what rank 0 says. */
export async function goOn(
  ground: TrainingGround,
  survivors: readonly TrainerProcess[],
  generation: number,
  count = microbatches,
) {
  for (const [rank, trainer] of survivors.entries()) {
    const size = survivors.length;
    trainer.command({ type: 'prepare', generation, rank, size, planned: false });
  }
  const states = await Promise.all(
    survivors.map(async (trainer) => {
      const { state } = await trainer.next('prepared', (said) => said.generation === generation);
      return state;
    }),
  );
  const newest = states.reduce((a, b) => ((b?.step ?? -1) > (a?.step ?? -1) ? b : a));
  if (newest === null) throw new Error('no survivor has a state');
  const holders = states.flatMap((state, rank) =>
    state?.stateHash === newest.stateHash ? [rank] : [],
  );
  const begin = { at: 'peers', holders, position: newest } as const;
  await form(survivors, { generation, begin, microbatches: count });
  const finished = await finish(survivors, generation);
  await Promise.all(survivors.map((trainer) => ground.rest(trainer)));
  return finished;
}
