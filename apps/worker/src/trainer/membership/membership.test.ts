import type { TrainerCommand } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  announced,
  newMembership,
  proceed,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
} from './membership.js';

/** A machine whose binding and stopping succeed at once unless they are held back, and what it said. */
class Machine {
  membership: Membership = newMembership();
  effects: MembershipEffect[] = [];

  feed(input: MembershipInput): this {
    const { membership, effects } = proceed(this.membership, input);
    this.membership = membership;
    this.effects.push(...effects);
    return this;
  }

  command(command: TrainerCommand): this {
    return this.feed({ type: 'command', command });
  }

  prepare(generation: number, planned: boolean): this {
    this.command({ type: 'prepare', generation, rank: 0, size: 2, planned });
    if (!planned) this.feed({ type: 'stopped', interrupted: null });
    const [endpoint, donor] = ['tcp://a', 'tcp://b'];
    return this.feed({ type: 'bound', generation, endpoint, donor, state: null });
  }

  /** Takes it into the steps of a generation that begins from the specification. */
  stepping(generation: number): this {
    return this.prepare(generation, false)
      .start(generation, null)
      .feed({ type: 'linked', generation })
      .feed({ type: 'taken', generation, step: 0, seconds: 0 });
  }

  start(generation: number, from: number | null): this {
    const seat = { endpoint: 'tcp://a', donor: 'tcp://b', worker: 'w' };
    const begin =
      from === null
        ? ({ at: 'specification' } as const)
        : { at: 'switch' as const, from, holders: [0] };
    return this.command({
      type: 'start',
      generation,
      begin,
      seats: [seat, seat],
      shares: [[0], [1]],
      firstShares: [[0, 1], []],
      deadlineMs: 1000,
    });
  }

  concluded(agreed: number | null): this {
    return this.feed({ type: 'concluded', step: 1, agreed });
  }

  said(type: string, generation: number): number {
    return this.effects.filter(
      (effect) =>
        effect.type === 'say' &&
        effect.message.type === type &&
        'generation' in effect.message &&
        effect.message.generation === generation,
    ).length;
  }

  did(type: MembershipEffect['type'], generation: number): number {
    return this.effects.filter(
      (effect) =>
        effect.type === type && 'generation' in effect && effect.generation === generation,
    ).length;
  }
}

describe('a trainer among generations', () => {
  it('names a change in its lanes once it is linked, and switches when all do', () => {
    const machine = new Machine().stepping(1).prepare(2, true).start(2, 1);
    expect(announced(machine.membership)).toBe(0);
    machine.feed({ type: 'linked', generation: 2 });
    expect(announced(machine.membership)).toBe(2);
    machine.concluded(null);
    expect(machine.did('switch', 2)).toBe(0);
    machine.concluded(2);
    expect(machine.did('switch', 2)).toBe(1);
    expect(machine.did('close', 1)).toBe(1);
    expect(machine.said('started', 2)).toBe(1);
  });

  it('keeps a change possible that the step in flight names, and answers for no newer one before', () => {
    const machine = new Machine().stepping(1).prepare(2, true).start(2, 1);
    machine.feed({ type: 'linked', generation: 2 });
    machine.prepare(3, true);
    expect(announced(machine.membership)).toBe(0);
    expect(machine.did('close', 2)).toBe(0);
    expect(machine.said('prepared', 3)).toBe(0);

    const agreed = new Machine();
    agreed.membership = machine.membership;
    agreed.concluded(2);
    expect(agreed.did('switch', 2)).toBe(1);
    expect(agreed.said('prepared', 3)).toBe(1);

    machine.concluded(null);
    expect(machine.did('close', 2)).toBe(1);
    expect(machine.said('prepared', 3)).toBe(1);
  });

  it('answers an unplanned generation once all is stopped, and knows nothing older from then on', () => {
    const machine = new Machine().stepping(1).prepare(2, true);
    machine.command({ type: 'prepare', generation: 3, rank: 0, size: 2, planned: false });
    expect(machine.did('bind', 3)).toBe(0);
    machine.feed({ type: 'stopped', interrupted: null });
    expect(machine.did('bind', 3)).toBe(1);
    const { membership } = machine;
    machine.concluded(2).start(2, 1).feed({ type: 'linked', generation: 2 }).prepare(2, true);
    expect(machine.membership).toEqual(membership);
  });

  it('leaves when all agree to go on without it, rank 0 with a checkpoint if nobody stays', () => {
    const machine = new Machine().stepping(1);
    machine.command({ type: 'retire', generation: 2, checkpoint: true });
    expect(announced(machine.membership)).toBe(2);
    machine.concluded(2);
    expect(machine.effects.at(-1)).toEqual({ type: 'leave', generation: 2, checkpoint: true });
    expect(machine.said('retired', 2)).toBe(0);
    machine.feed({ type: 'left', generation: 2, step: 1 });
    expect(machine.said('retired', 2)).toBe(1);
  });

  it('tells of a change that does not link, and goes on in its ring', () => {
    const machine = new Machine().stepping(1).prepare(2, true).start(2, 1);
    const error = { code: 'RING_LINK_FAILED', message: '', remedy: '', detail: null };
    const failed = { generation: 2, step: 0, fatal: false, blames: [1], error };
    machine.feed({ type: 'ended', message: { type: 'failed', ...failed } });
    expect(machine.said('failed', 2)).toBe(1);
    expect(announced(machine.membership)).toBe(0);
    expect(machine.membership.present?.phase).toBe('stepping');
  });

  it('saves its state whenever that is whole', () => {
    const saves = (machine: Machine) =>
      machine.command({ type: 'save' }).effects.filter(({ type }) => type === 'save');
    const stepping = new Machine().stepping(1).prepare(2, true).start(2, 1);
    expect(saves(stepping)).toEqual([{ type: 'save', generation: 1 }]);
    const taking = new Machine().prepare(3, false).start(3, null);
    expect(saves(taking.feed({ type: 'linked', generation: 3 }))).toEqual([]);
  });

  it('is changed by no command that comes a second time', () => {
    const generation = fc.integer({ min: 1, max: 5 });
    const act = fc.oneof(
      fc.tuple(generation, fc.boolean()).map(
        ([named, planned]) =>
          (machine: Machine) =>
            machine.prepare(named, planned),
      ),
      fc.tuple(generation, generation).map(
        ([named, from]) =>
          (machine: Machine) =>
            machine.start(named, from),
      ),
      generation.map(
        (named) => (machine: Machine) =>
          machine.command({ type: 'retire', generation: named, checkpoint: false }),
      ),
      generation.map(
        (named) => (machine: Machine) => machine.command({ type: 'withdraw', generation: named }),
      ),
    );
    const happen = fc.oneof(
      generation.map(
        (named) => (machine: Machine) => machine.feed({ type: 'linked', generation: named }),
      ),
      generation.map(
        (named) => (machine: Machine) =>
          machine.feed({ type: 'taken', generation: named, step: 1, seconds: 0 }),
      ),
      fc.constant((machine: Machine) => machine.concluded(announced(machine.membership) || null)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(act, happen), { maxLength: 20 }), (acts) => {
        const machine = new Machine().stepping(1);
        for (const [command, outcome] of acts) {
          command(machine);
          const { membership } = machine;
          command(machine);
          expect(machine.membership).toEqual(membership);
          outcome(machine);
        }
      }),
    );
  });
});
