import type { TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import {
  announced,
  newMembership,
  proceed,
  type Command,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
} from '@ringmaster/worker/membership';
import type { Cluster } from './cluster.js';
import { Loop } from './loop.js';
import { Process } from './process.js';
import type { RingError } from './ring.js';
import { Session } from './session.js';
import { FIRST, positionOf, STEPS, type State } from './state.js';
import { assert } from './witness.js';

type Effect<Type extends MembershipEffect['type']> = Extract<MembershipEffect, { type: Type }>;

/** A trainer: the real membership machine, around a modelled ring and a modelled state. */
export class Trainer {
  readonly process: Process;
  readonly #loop: Loop;
  readonly #sessions = new Map<number, Session>();
  #membership: Membership = newMembership();

  constructor(cluster: Cluster, id: string, tell: (message: TrainerMessage) => void) {
    this.process = new Process(cluster, id, tell);
    this.#loop = new Loop({
      process: this.process,
      announced: () => announced(this.#membership),
      concluded: (agreed) => {
        this.#proceed({ type: 'concluded', step: this.process.present.step, agreed });
      },
      ended: (message) => {
        this.#proceed({ type: 'ended', message });
      },
      failed: (session, error) => {
        this.#failed(session, error, [error.peer]);
      },
    });
    this.process.later(cluster.world.dice.between(100, 1500), () => {
      const numerics = { cpu: 'one' };
      this.process.send({ type: 'ready', steps: STEPS, numerics, parameters: 1 });
    });
  }

  get id(): string {
    return this.process.id;
  }

  command(command: TrainerCommand): void {
    this.process.later(0, () => {
      this.#proceed({ type: 'command', command });
    });
  }

  die(): void {
    this.process.isAlive = false;
    for (const { ring, rank } of this.#sessions.values()) ring.leave(rank, 'broken');
  }

  /** The state that it gives to others of a generation now, or null. */
  offerOf(generation: number): State | null {
    const { isAlive, isStopped } = this.process;
    return isAlive && !isStopped ? (this.#sessions.get(generation)?.offer ?? null) : null;
  }

  #proceed(input: MembershipInput): void {
    const { membership, effects } = proceed(this.#membership, input);
    this.#membership = membership;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: MembershipEffect): void {
    switch (effect.type) {
      case 'say':
        this.#say(effect.message);
        return;
      case 'stop':
        this.#stop(effect);
        return;
      case 'bind':
        this.#bind(effect);
        return;
      case 'connect':
        this.#connect(effect.start);
        return;
      case 'take':
        this.#take(effect.start);
        return;
      case 'begin':
        this.#witness.begins(this.id, effect.generation, this.process.present);
        this.#loop.enter(this.#sessionOf(effect.generation), effect.offer);
        this.#loop.iterate();
        return;
      case 'switch':
        this.#leaveFor(effect.generation);
        this.#loop.enter(this.#sessionOf(effect.generation), effect.offer);
        return;
      case 'leave':
        this.#leave(effect);
        return;
      case 'close':
        this.#close(effect.generation, 'closed');
        return;
      case 'save':
        this.process.later(this.#dice.between(1, 50), () => {
          if (this.process.state !== null) this.#loop.checkpoint(effect.generation);
        });
        return;
    }
  }

  #say(message: TrainerMessage): void {
    this.#loop.flush();
    this.process.send(message);
    const isPromise =
      message.type === 'prepared' && this.#membership.present?.generation === message.generation;
    if (isPromise) this.#witness.promises(this.id, message.generation);
  }

  #stop({ of }: Effect<'stop'>): void {
    const interrupted = this.#sessions.get(of ?? 0)?.interruption() ?? null;
    for (const generation of [...this.#sessions.keys()]) this.#close(generation, 'broken');
    this.#loop.session = null;
    this.process.later(this.#dice.between(0, 200), () => {
      this.#proceed({ type: 'stopped', interrupted });
    });
  }

  #bind({ generation, rank, size }: Effect<'bind'>): void {
    const ring = this.process.cluster.ringOf(generation, size);
    const session = new Session(this.process, { generation, rank }, ring);
    this.#sessions.set(generation, session);
    this.process.later(this.#dice.between(0.5, 10), () => {
      if (session.ended) return;
      const still = this.#loop.session === null ? this.process.state : null;
      const state = still === null ? null : positionOf(still);
      const endpoint = `${this.id}/${generation}`;
      this.#proceed({ type: 'bound', generation, endpoint, donor: endpoint, state });
    });
  }

  #connect(start: Command<'start'>): void {
    const { generation, deadlineMs, seats } = start;
    const session = this.#sessionOf(generation);
    session.start = start;
    session.does('link');
    assert(seats[session.rank]?.endpoint === `${this.id}/${generation}`, 'seats are told as bound');
    const waiting = session.waiting<null>(
      () => {
        this.#proceed({ type: 'linked', generation });
      },
      (error) => {
        this.#failed(session, error, [error.peer]);
      },
    );
    session.ring.link(session.rank, waiting, deadlineMs);
  }

  #take(start: Command<'start'>): void {
    const { begin, generation } = start;
    const { process } = this;
    const session = this.#sessionOf(generation);
    session.does('transfer');
    const taken = () => {
      this.#proceed({ type: 'taken', generation, step: process.present.step, seconds: 0 });
    };
    if ('holders' in begin && !begin.holders.includes(session.rank)) {
      process.state = null;
      const due = process.cluster.world.now + start.deadlineMs;
      const holders = begin.holders.map((rank) => start.seats[rank]?.donor.split('/')[0] ?? '');
      this.#fetch(session, holders, due, taken);
      return;
    }
    process.later(this.#dice.between(1, 100), () => {
      if (session.ended) return;
      if (begin.at === 'specification') process.state = FIRST;
      if (begin.at === 'checkpoint') process.state = process.cluster.checkpoint(begin.manifest);
      if ('position' in begin) {
        const { stateHash } = positionOf(process.present);
        assert(stateHash === begin.position.stateHash, `${this.id} holds what ${generation} needs`);
      }
      taken();
    });
  }

  /** Takes the state from whoever offers it, once somebody does; what is withdrawn meanwhile is begun anew. */
  #fetch(session: Session, holders: readonly string[], due: number, taken: () => void): void {
    const { world } = this.process.cluster;
    const { generation } = session;
    const donors = holders.filter((id) => this.#offerOf(id, generation) !== null);
    const donor = world.dice.pick(donors) ?? '';
    const offer = this.#offerOf(donor, generation);
    this.process.later(offer === null ? 25 : world.dice.between(1, 120), () => {
      if (session.ended) return;
      if (offer !== null && this.#offerOf(donor, generation) === offer) {
        this.process.state = offer;
        taken();
      } else if (world.now > due) {
        this.#failed(session, { code: 'RING_PEER_SILENT', peer: 0 }, []);
      } else this.#fetch(session, holders, due, taken);
    });
  }

  #offerOf(donor: string, generation: number): State | null {
    return this.process.cluster.trainer(donor)?.offerOf(generation) ?? null;
  }

  #leave({ generation, checkpoint }: Effect<'leave'>): void {
    const { step } = this.process.present;
    this.#leaveFor(generation);
    this.#loop.session = null;
    if (checkpoint) this.#loop.checkpoint(generation);
    this.process.later(checkpoint ? 100 : 0, () => {
      this.#proceed({ type: 'left', generation, step });
    });
  }

  #leaveFor(generation: number): void {
    const { session } = this.#loop;
    assert(session !== null, 'only a ring that steps is left');
    this.#witness.leaves(this.id, session.generation, generation, this.process.present);
  }

  #failed({ generation }: Session, { code }: RingError, blames: number[]): void {
    const error = { code, message: code, remedy: '', detail: null };
    const step = this.process.state?.step ?? 0;
    const message = { type: 'failed', generation, step, fatal: false, blames, error } as const;
    this.#proceed({ type: 'ended', message });
  }

  #close(generation: number, how: 'closed' | 'broken'): void {
    this.#sessions.get(generation)?.close(how);
    this.#sessions.delete(generation);
  }

  #sessionOf(generation: number): Session {
    const session = this.#sessions.get(generation);
    assert(session !== undefined, `${this.id} has no session of ${generation}`);
    return session;
  }

  get #witness() {
    return this.process.cluster.witness;
  }

  get #dice() {
    return this.process.cluster.world.dice;
  }
}
