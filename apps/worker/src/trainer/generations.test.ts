import type { Position, TrainerMessage } from '@ringmaster/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { change, form, TrainingGround, type TrainerProcess } from './trainers.test.fixture.js';

const microbatches = 4;
const steps = 120;

let ground: TrainingGround;
let launch: Awaited<ReturnType<TrainingGround['launchOf']>>;
let expected: string;

beforeAll(async () => {
  ground = await TrainingGround.create();
  const words = ['sun', 'moon', 'star', 'comet', 'dust', 'ring', 'tide'];
  const line = (number: number) =>
    Array.from({ length: 12 }, (_, at) => words[(number * 5 + at * at) % words.length]).join(' ');
  const texts = Array.from({ length: 300 }, (_, number) => `${line(number)} ${number}`).join('\n');
  launch = await ground.launchOf({
    kind: 'pretrain',
    name: 'tiny',
    model: { architecture: 'bert', layers: 1, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
    data: { files: await ground.file('texts.txt', texts), format: 'lines', validation: 0.1 },
    objective: 'masked-language-model',
    batch: { sequences: 8, microbatches },
    optimizer: { learningRate: 1e-3 },
    steps,
    evaluation: { every: 40 },
    seed: 5,
  });
  const alone = await ground.trainer(launch);
  await form([alone], { generation: 1, begin: { at: 'specification' }, microbatches });
  expected = await finalHash([alone], 1);
  await alone.end();
});

afterAll(async () => {
  await ground.remove();
});

async function trainers(count: number): Promise<TrainerProcess[]> {
  return Promise.all(Array.from({ length: count }, () => ground.trainer(launch)));
}

async function finalHash(members: readonly TrainerProcess[], generation: number): Promise<string> {
  const hashes = await Promise.all(
    members.map(async (trainer) => {
      const { position } = await trainer.next('finished', (said) => said.generation === generation);
      return position.stateHash;
    }),
  );
  expect(new Set(hashes).size).toBe(1);
  return hashes[0] ?? '';
}

/** Waits until a step was made in a generation. */
async function underway(trainer: TrainerProcess, generation: number): Promise<void> {
  await trainer.next('progress', (said) => said.generation === generation && said.steps.length > 0);
}

const prepared = (generation: number) => (said: TrainerMessage) =>
  said.type === 'prepared' && said.generation === generation;

describe('a planned change', () => {
  it('grows and shrinks a ring while it steps: 1, 2, 3, 2 and 1 workers make the bytes of one', async () => {
    const [a, b, c] = await trainers(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three');
    await form([a], { generation: 1, begin: { at: 'specification' }, microbatches });
    await underway(a, 1);
    const rings = [[a], [a, b], [c, a, b], [c, b], [b]];
    for (const [index, members] of rings.entries()) {
      const before = rings[index - 1];
      if (before === undefined) continue;
      await change(before, members, { generation: index + 1, microbatches });
      await underway(members[0] ?? a, index + 1);
    }
    expect(await finalHash([b], 5)).toBe(expected);
    const said = [a, b, c].flatMap(({ messages }) => messages);
    expect(said.filter(({ type }) => type === 'failed')).toEqual([]);
    // All members of a ring switched after the same step.
    for (const generation of [2, 3, 4, 5]) {
      const turns = said.flatMap((message) =>
        (message.type === 'started' || message.type === 'retired') &&
        message.generation === generation
          ? [message.step]
          : [],
      );
      expect(new Set(turns).size).toBe(1);
    }
    // Between them, every step was told.
    const told = said.flatMap((message) =>
      message.type === 'progress' ? message.steps.map(({ step }) => step) : [],
    );
    expect(new Set(told).size).toBe(steps);
  });

  it('that leaves nobody makes the state durable first, and the run goes on from it', async () => {
    const [a, b] = await trainers(2);
    if (a === undefined || b === undefined) throw new Error('two');
    await form([a, b], { generation: 1, begin: { at: 'specification' }, microbatches });
    await underway(a, 1);
    for (const trainer of [a, b, a]) {
      trainer.command({ type: 'retire', generation: 2, checkpoint: true });
    }
    const [first, second] = await Promise.all([a.next('retired'), b.next('retired')]);
    expect(second.step).toBe(first.step);
    const { position, manifest } = await a.next('checkpointed');
    expect(position.step).toBe(first.step);
    await a.end();
    const c = await ground.trainer(launch);
    const begin = { at: 'checkpoint', manifest, position } as const;
    await form([c, b], { generation: 3, begin, microbatches });
    expect(await finalHash([c, b], 3)).toBe(expected);
  });

  it('that is withdrawn leaves the ring as it is', async () => {
    const [a, b] = await trainers(2);
    if (a === undefined || b === undefined) throw new Error('two');
    await form([a], { generation: 1, begin: { at: 'specification' }, microbatches });
    for (const [rank, trainer] of [a, b].entries()) {
      trainer.command({ type: 'prepare', generation: 2, rank, size: 2, planned: true });
      await trainer.next('prepared', (said) => said.generation === 2);
      trainer.command({ type: 'withdraw', generation: 2 });
    }
    await change([a], [b, a], { generation: 3, microbatches });
    expect(await finalHash([a, b], 3)).toBe(expected);
    expect([...a.messages, ...b.messages].filter(({ type }) => type === 'failed')).toEqual([]);
  });
});

describe('after a failure', () => {
  it('survivors go on from the newest state, and commands that are repeated change nothing', async () => {
    const [ahead, behind] = await trainers(2);
    if (ahead === undefined || behind === undefined) throw new Error('two');
    await form([ahead, behind], { generation: 1, begin: { at: 'specification' }, microbatches });
    await underway(ahead, 1);
    // The first goes on alone, so that the second falls behind.
    const [held] = await promise([ahead], 2);
    const alone = { at: 'peers' as const, holders: [0], position: held ?? nowhere };
    await form([ahead], { generation: 2, begin: alone, microbatches });
    await underway(ahead, 2);
    await behind.failure();
    const [older, newer] = await promise([behind, ahead], 3);
    expect(newer?.step).toBeGreaterThan(older?.step ?? Infinity);
    const begin = { at: 'peers' as const, holders: [1], position: newer ?? nowhere };
    await form([behind, ahead], { generation: 3, begin, microbatches });
    const { transferSeconds } = await behind.next('started', ({ generation }) => generation === 3);
    expect(transferSeconds).toBeGreaterThan(0);
    // All of it once more, as a coordinator that was restarted would say it.
    await form([behind, ahead], { generation: 3, begin, microbatches });
    expect(await finalHash([behind, ahead], 3)).toBe(expected);
    for (const trainer of [behind, ahead]) {
      const answers = trainer.messages.filter(prepared(3));
      expect(answers.length).toBeGreaterThan(1);
      expect(answers.at(-1)).toEqual(answers[0]);
    }
  });
});

const nowhere: Position = { step: 0, evaluations: 0, stateHash: '0'.repeat(64) };

/** Has trainers promise a generation, and returns where the state of each one stands. */
async function promise(
  members: readonly TrainerProcess[],
  generation: number,
): Promise<(Position | null)[]> {
  for (const [rank, trainer] of members.entries()) {
    const size = members.length;
    trainer.command({ type: 'prepare', generation, rank, size, planned: false });
  }
  return Promise.all(
    members.map(async (trainer) => {
      const said = await trainer.next('prepared', (message) => message.generation === generation);
      return said.state;
    }),
  );
}
