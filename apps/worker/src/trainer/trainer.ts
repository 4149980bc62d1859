import type { TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { faultPoint } from '../faults/fault-point.js';
import { failure } from './failure.js';
import { Loop } from './loop.js';
import {
  announced,
  newMembership,
  proceed,
  type Command,
  type MembershipEffect,
  type MembershipInput,
} from './membership/membership.js';
import type { Ports, RingSession } from './ports.js';
import { GenerationEnded } from './session/generation-ended.js';
import { takeState } from './session/take-state.js';

/** Where a trainer tells what happens to it. */
export type TrainerLog = Pick<Logger, 'info' | 'warn' | 'error'>;

type Effect<Type extends MembershipEffect['type']> = Extract<MembershipEffect, { type: Type }>;

/**
 * A trainer's life in generations: what `membership.ts` decides is carried out here. Invariants:
 * - Commands and outcomes are taken in the order in which they come.
 * - PREPARE is a promise: an unplanned one is answered when whatever could touch the state has ended.
 * - The state changes only inside a step, synchronously, after the generation was seen to be current.
 */
export class Trainer<Session extends RingSession> {
  readonly #ports: Ports<Session>;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: TrainerLog;
  readonly #loop: Loop<Session>;
  readonly #sessions = new Map<number, Session>();
  /** What is going on in some generation: binding, links, transfers, the step loop. */
  readonly #work = new Set<Promise<void>>();
  /** Sockets that are being let go. */
  readonly #closing = new Set<Promise<void>>();
  #membership = newMembership();
  #isClosed = false;

  constructor(ports: Ports<Session>, send: (message: TrainerMessage) => void, log: TrainerLog) {
    this.#ports = ports;
    this.#send = send;
    this.#log = log;
    this.#loop = new Loop({
      ports,
      send,
      concluded: (agreed) => {
        this.#proceed({ type: 'concluded', step: ports.run.step, agreed });
      },
      closed: async () => {
        await Promise.all(this.#closing);
      },
    });
  }

  /** Takes a command. What it asks for is begun before the next one is taken, and ends in its own time. */
  handle(command: TrainerCommand): void {
    this.#proceed({ type: 'command', command });
  }

  /** Ends the trainer: resolves when nothing of any generation is at work any more, and nothing is begun from then on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#halt();
  }

  /** Ends whatever could touch the state; resolves when nothing of any generation is at work any more. */
  async #halt(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#loop.leave();
    for (const session of sessions) this.#letGo(session, true);
    await Promise.all([...this.#closing, ...this.#work]);
  }

  #proceed(input: MembershipInput): void {
    if (this.#isClosed) return;
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
        void this.#stop(effect);
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
        this.#enter(effect);
        this.#track(this.#train());
        return;
      case 'switch':
        this.#enter(effect);
        return;
      case 'leave':
        void this.#leave(effect);
        return;
      case 'close':
        this.#close(effect);
        return;
      case 'save':
        if (this.#ports.run.isInitialised) void this.#ports.checkpoints.save(effect.generation);
        return;
    }
  }

  /** Whatever was applied is told before anything else is. */
  #say(message: TrainerMessage): void {
    this.#loop.flush();
    const level = message.type === 'failed' ? 'error' : 'info';
    this.#log[level]({ step: this.#ports.run.step, ...message }, message.type);
    this.#send(message);
    if (message.type === 'prepared') faultPoint('prepared', this.#ports.run);
  }

  async #stop({ of }: Effect<'stop'>): Promise<void> {
    const interrupted = this.#sessions.get(of ?? 0)?.interruption() ?? null;
    await this.#halt();
    this.#proceed({ type: 'stopped', interrupted });
  }

  #bind({ generation, rank, size }: Effect<'bind'>): void {
    const session = this.#ports.open({
      generation,
      rank,
      size,
      announced: () => announced(this.#membership),
    });
    this.#sessions.set(generation, session);
    this.#within(session, async () => {
      const { endpoint, donor } = await session.bind();
      const moves = this.#loop.session !== null || !this.#ports.run.isInitialised;
      const state = moves ? null : this.#ports.run.position();
      this.#proceed({ type: 'bound', generation, endpoint, donor, state });
    });
  }

  #connect(start: Command<'start'>): void {
    const session = this.#sessionOf(start);
    this.#within(session, async () => {
      await session.connect(start);
      this.#proceed({ type: 'linked', generation: start.generation });
    });
  }

  #take(start: Command<'start'>): void {
    const session = this.#sessionOf(start);
    const { begin, generation } = start;
    const takes = begin.at !== 'peers' || !begin.holders.includes(session.rank);
    this.#within(session, async () => {
      const started = this.#ports.now();
      await takeState(this.#ports, session, start);
      const seconds = takes ? (this.#ports.now() - started) / 1000 : 0;
      this.#proceed({ type: 'taken', generation, step: this.#ports.run.step, seconds });
    });
  }

  #enter({ generation, offer }: Effect<'begin' | 'switch'>): void {
    this.#loop.enter(this.#sessionOf({ generation }), offer);
  }

  async #train(): Promise<void> {
    try {
      const message = await this.#loop.run();
      this.#loop.leave();
      if (message !== null) this.#proceed({ type: 'ended', message });
    } catch (error) {
      const { session } = this.#loop;
      this.#loop.leave();
      if (session !== null) this.#fail(session, error);
    }
  }

  async #leave({ generation, checkpoint }: Effect<'leave'>): Promise<void> {
    this.#loop.leave();
    const { step } = this.#ports.run;
    if (checkpoint) await this.#ports.checkpoints.save(generation);
    this.#proceed({ type: 'left', generation, step });
  }

  #close({ generation }: Effect<'close'>): void {
    const session = this.#sessions.get(generation);
    this.#sessions.delete(generation);
    if (session === undefined) return;
    this.#letGo(session, false);
  }

  #letGo(session: Session, abandon: boolean): void {
    const closing = this.#end(session, abandon).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #end(session: Session, abandon: boolean): Promise<void> {
    try {
      await session.end({ abandon });
    } catch (error) {
      this.#log.warn({ generation: session.generation, err: error }, 'a ring could not be closed');
    }
  }

  /** Runs work in a session; what fails is told, unless the generation is over. */
  #within(session: Session, work: () => Promise<void>): void {
    this.#track(
      work().catch((error: unknown) => {
        this.#fail(session, error);
      }),
    );
  }

  #fail({ generation }: Session, error: unknown): void {
    if (error instanceof GenerationEnded) return;
    this.#log.error({ generation, err: error }, 'cannot go on');
    this.#proceed({ type: 'ended', message: failure(generation, this.#ports.run.step, error) });
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  #sessionOf({ generation }: { readonly generation: number }): Session {
    const session = this.#sessions.get(generation);
    if (session === undefined) throw new Error(`generation ${generation} has no session`);
    return session;
  }
}
