import type { TrainerCommand, TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { faultPoint } from '../faults/fault-point.js';
import { CheckpointWriter } from './checkpoint/writer.js';
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
import type { Run } from './run/run.js';
import { GenerationEnded, Session } from './session/session.js';
import { takeState } from './session/take-state.js';

type Effect<Type extends MembershipEffect['type']> = Extract<MembershipEffect, { type: Type }>;

/**
 * A trainer's life in generations: what `membership.ts` decides is carried out here. Invariants:
 * - Commands and outcomes are taken in the order in which they come.
 * - PREPARE is a promise: an unplanned one is answered when whatever could touch the state has ended.
 * - The state changes only inside a step, synchronously, after the generation was seen to be current.
 */
export class Trainer {
  readonly #run: Run;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: Logger;
  readonly #checkpoints: CheckpointWriter;
  readonly #loop: Loop;
  readonly #sessions = new Map<number, Session>();
  /** What is going on in some generation: binding, links, transfers, the step loop. */
  readonly #work = new Set<Promise<void>>();
  /** Sockets that are being let go. */
  readonly #closing = new Set<Promise<void>>();
  #membership = newMembership();

  constructor(run: Run, send: (message: TrainerMessage) => void, log: Logger) {
    this.#run = run;
    this.#send = send;
    this.#log = log;
    this.#checkpoints = new CheckpointWriter(run, send, log);
    this.#loop = new Loop({
      ...{ run, send, checkpoints: this.#checkpoints },
      concluded: (agreed) => {
        this.#proceed({ type: 'concluded', step: run.step, agreed });
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
        if (this.#run.isInitialised) void this.#checkpoints.save(effect.generation);
        return;
    }
  }

  /** Whatever was applied is told before anything else is. */
  #say(message: TrainerMessage): void {
    this.#loop.flush();
    const level = message.type === 'failed' ? 'error' : 'info';
    this.#log[level]({ step: this.#run.step, ...message }, message.type);
    this.#send(message);
    if (message.type === 'prepared') faultPoint('prepared', this.#run);
  }

  #tellEarlyStopping(): void {
    const { spec, state, step, steps, finalWeights } = this.#run;
    if (spec.earlyStopping === undefined || !state.counters.stopped) return;
    const { metric, patience } = spec.earlyStopping;
    const weightsStep = finalWeights.step;
    this.#log.info({ step, steps, metric, patience, weightsStep }, 'stopped early');
  }

  async #stop({ of }: Effect<'stop'>): Promise<void> {
    const interrupted = this.#sessions.get(of ?? 0)?.interruption() ?? null;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#loop.leave();
    const ends = sessions.map((session) => this.#end(session, true));
    await Promise.all([...ends, ...this.#closing, ...this.#work]);
    this.#proceed({ type: 'stopped', interrupted });
  }

  #bind({ generation, rank, size }: Effect<'bind'>): void {
    const session = new Session(this.#run, {
      ...{ generation, rank, size },
      announced: () => announced(this.#membership),
    });
    this.#sessions.set(generation, session);
    this.#within(session, async () => {
      const { endpoint, donor } = await session.bind();
      const moves = this.#loop.session !== null || !this.#run.isInitialised;
      const state = moves ? null : this.#run.position();
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
      const started = performance.now();
      await takeState(this.#run, session, start);
      const seconds = takes ? (performance.now() - started) / 1000 : 0;
      this.#proceed({ type: 'taken', generation, step: this.#run.step, seconds });
    });
  }

  #enter({ generation, offer }: Effect<'begin' | 'switch'>): void {
    this.#loop.enter(this.#sessionOf({ generation }), offer);
  }

  async #train(): Promise<void> {
    try {
      const message = await this.#loop.run();
      if (message !== null) this.#tellEarlyStopping();
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
    const { step } = this.#run;
    if (checkpoint) await this.#checkpoints.save(generation);
    this.#proceed({ type: 'left', generation, step });
  }

  #close({ generation }: Effect<'close'>): void {
    const session = this.#sessions.get(generation);
    this.#sessions.delete(generation);
    if (session === undefined) return;
    const closing = this.#end(session, false).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #end(session: Session, abandon: boolean): Promise<void> {
    try {
      await session.end({ abandon });
    } catch (error) {
      this.#log.warn({ generation: session.generation, err: error }, 'a ring could not be closed');
    }
  }

  /** Does something in a session; what fails is told, unless the generation is over. */
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
    this.#proceed({ type: 'ended', message: failure(generation, this.#run.step, error) });
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
