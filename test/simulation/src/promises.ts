import { isDeepStrictEqual } from 'node:util';
import type { Run, RunCommand } from '@ringmaster/coordinator/runs';
import { isFinal, type TrainerCommand } from '@ringmaster/protocol';
import { compare, positionOf, type State } from './state.js';
import { assert } from './witness.js';

type Start = Extract<TrainerCommand, { type: 'start' }>;

/** Processes as they are while a transition of the coordinator is judged. */
export interface Present {
  /** States that these trainers hold and can be asked for. */
  held(trainers: readonly string[]): ReadonlyMap<string, State>;
  /** The newest generation that a trainer has promised; null for one that is no more. */
  promised(trainer: string): number | null;
}

/** Holds a coordinator to what `transition` promises, event by event. */
export class Promises {
  readonly #present: Present;
  /** Members of each generation, by rank, as they were asked to prepare. */
  readonly #members = new Map<number, string[]>();
  readonly #starts = new Map<number, Start>();

  constructor(present: Present) {
    this.#present = present;
  }

  /** Judges one transition and the commands that it led to. */
  judge(before: Run, run: Run, commands: readonly RunCommand[]): void {
    if (isFinal(before.state)) {
      assert(run === before && commands.length === 0, 'a final state never changes');
      return;
    }
    if (isFinal(run.state) || run.state === 'paused')
      assert(
        run.trainers.length === 0 && run.ring === null,
        `a run that is ${run.state} holds nothing`,
      );
    assert(run.generation >= before.generation, 'generations increase');
    assert(run.checkpoints.length <= run.limits.keep, 'no more checkpoints are kept than wanted');
    for (const { generation } of [run.ring, ...run.planned].flatMap((one) => one ?? []))
      assert(generation <= run.generation, 'every generation was issued');
    for (const command of commands) {
      if (command.type !== 'send') continue;
      const { trainer } = command;
      const isOurs = before.trainers.some(({ id }) => id === trainer);
      assert(isOurs, `${trainer} is of this run when it is told something`);
      this.#sent(run, trainer, command.command);
    }
    const gone = run.trainers.length === 0 && before.trainers.length > 0;
    if (gone && !isFinal(run.state)) this.#gaveBack(before, run, commands);
  }

  #sent(run: Run, trainer: string, command: TrainerCommand): void {
    if (command.type === 'prepare') {
      const { generation, rank, size } = command;
      const members = this.#members.get(generation) ?? [];
      members[rank] ??= trainer;
      assert(
        members[rank] === trainer && rank < size,
        `rank ${rank} of ${generation} is ${trainer}`,
      );
      this.#members.set(generation, members);
    }
    if (command.type === 'start') this.#started(run, trainer, command);
  }

  #started(run: Run, trainer: string, start: Start): void {
    const { generation, begin, seats } = start;
    const members = this.#members.get(generation) ?? [];
    assert(members.includes(trainer), `${trainer} is a member of ${generation}`);
    const endpoints = members.map((member) => `${member}/${generation}`);
    assert(
      isDeepStrictEqual(
        seats.map(({ endpoint }) => endpoint),
        endpoints,
      ),
      `the seats of ${generation} are those of its members, by rank`,
    );
    for (const deal of [start.shares, start.firstShares]) {
      const whole = deal.flat().every((microbatch, at) => microbatch === at);
      assert(
        whole && deal.flat().length === run.limits.microbatches && deal.length === members.length,
        `the shares of ${generation} are a partition`,
      );
    }
    const known = this.#starts.get(generation);
    assert(known === undefined || isDeepStrictEqual(known, start), `${generation} is told once`);
    this.#starts.set(generation, start);
    if (begin.at === 'switch' || known !== undefined) return;
    for (const { id } of run.trainers) {
      if (!members.includes(id)) continue;
      const promised = this.#present.promised(id);
      assert(promised === null || promised === generation, `${id} has promised ${generation}`);
    }
    if (begin.at !== 'peers') return;
    const holders = begin.holders.map((rank) => members[rank] ?? '');
    for (const [id, state] of this.#present.held(holders))
      assert(
        isDeepStrictEqual(positionOf(state), begin.position),
        `${id} holds what it is to give`,
      );
  }

  /** Unless something went wrong, slots are given back only when what was in memory is durable. */
  #gaveBack(before: Run, run: Run, commands: readonly RunCommand[]): void {
    if (commands.some(({ type }) => type === 'report')) return;
    const durable = run.checkpoints.at(-1)?.position ?? { step: 0, evaluations: 0 };
    for (const [id, state] of this.#present.held(before.trainers.map((trainer) => trainer.id)))
      assert(
        compare(state, durable) <= 0,
        `${id} gives its slot back with a state that is durable`,
      );
  }
}
