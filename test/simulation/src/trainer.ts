import type {
  Interruption,
  StepReport,
  TrainerCommand,
  TrainerMessage,
} from '@ringmaster/protocol';
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
import type { Ring, RingError, Sum, Waiting } from './ring.js';
import {
  attemptsOf,
  CHECKPOINT_EVERY,
  contribution,
  evaluated,
  evaluationIsDue,
  FIRST,
  positionOf,
  stepped,
  STEPS,
  type State,
} from './state.js';
import { assert } from './witness.js';

interface Session {
  readonly generation: number;
  readonly rank: number;
  readonly ring: Ring;
  start: Command<'start'> | null;
  firstStep: number | null;
  offer: State | null;
  ended: boolean;
  doing: { readonly what: Interruption['doing']; readonly since: number } | null;
}

/** A trainer's process: the real membership machine, around a modelled ring and a modelled state. */
export class Trainer {
  readonly id: string;
  state: State | null = null;
  isAlive = true;
  isStopped = false;
  readonly #cluster: Cluster;
  readonly #tell: (message: TrainerMessage) => void;
  readonly #microbatchMs: number;
  readonly #sessions = new Map<number, Session>();
  readonly #held: (() => void)[] = [];
  #membership: Membership = newMembership();
  #stepping: Session | null = null;
  #untold: { session: Session; steps: StepReport[] } | null = null;

  constructor(cluster: Cluster, id: string, tell: (message: TrainerMessage) => void) {
    this.#cluster = cluster;
    this.id = id;
    this.#tell = tell;
    const { dice } = cluster.world;
    this.#microbatchMs = dice.chance(0.2) ? dice.between(20, 60) : dice.between(3, 12);
    this.later(dice.between(100, 1500), () => {
      const numerics = { cpu: 'one' };
      this.#send({ type: 'ready', steps: STEPS, numerics, parameters: 1 });
    });
  }

  command(command: TrainerCommand): void {
    this.later(0, () => {
      this.#proceed({ type: 'command', command });
    });
  }

  /** What this process does in a while, if it lives then; while it is stopped it does nothing. */
  later(delayMs: number, work: () => void): void {
    this.#cluster.world.after(delayMs, () => {
      if (!this.isAlive) return;
      if (this.isStopped) this.#held.push(work);
      else work();
    });
  }

  stop(): void {
    this.isStopped = true;
  }

  resume(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    for (const work of this.#held.splice(0)) this.later(0, work);
  }

  die(): void {
    this.isAlive = false;
    for (const { ring, rank } of this.#sessions.values()) ring.leave(rank, 'broken');
  }

  /** The state that it gives to others of a generation now, or null. */
  offerOf(generation: number): State | null {
    if (!this.isAlive || this.isStopped) return null;
    return this.#sessions.get(generation)?.offer ?? null;
  }

  #proceed(input: MembershipInput): void {
    const { membership, effects } = proceed(this.#membership, input);
    this.#membership = membership;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: MembershipEffect): void {
    const { dice } = this.#cluster.world;
    switch (effect.type) {
      case 'say':
        this.#say(effect.message);
        return;
      case 'stop':
        this.#stop(effect.of);
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
        this.#cluster.witness.begins(this.id, effect.generation, this.#present);
        this.#enter(effect);
        this.#iterate();
        return;
      case 'switch':
        this.#leaveFor(effect.generation);
        this.#enter(effect);
        return;
      case 'leave': {
        const { generation, checkpoint } = effect;
        const state = this.#present;
        this.#leaveFor(generation);
        this.#stepping = null;
        if (checkpoint) this.#checkpoint(generation);
        this.later(checkpoint ? 100 : 0, () => {
          this.#proceed({ type: 'left', generation, step: state.step });
        });
        return;
      }
      case 'close':
        this.#close(effect.generation, 'closed');
        return;
      case 'save':
        this.later(dice.between(1, 50), () => {
          if (this.state !== null) this.#checkpoint(effect.generation);
        });
        return;
    }
  }

  #send(message: TrainerMessage): void {
    this.#cluster.witness.said(this.id, message);
    this.#tell(message);
  }

  #say(message: TrainerMessage): void {
    this.#flush();
    const isPromise =
      message.type === 'prepared' && this.#membership.present?.generation === message.generation;
    this.#send(message);
    if (isPromise) this.#cluster.witness.promises(this.id, message.generation);
  }

  #flush(): void {
    if (this.#untold === null || this.#untold.steps.length === 0) return;
    const { session, steps } = this.#untold;
    const { generation, rank } = session;
    this.#untold = { session, steps: [] };
    this.#send({ type: 'progress', generation, rank, steps, evaluations: [] });
  }

  #stop(of: number | null): void {
    const interrupted = this.#interruption(this.#sessions.get(of ?? 0));
    for (const generation of [...this.#sessions.keys()]) this.#close(generation, 'broken');
    this.#stepping = null;
    this.later(this.#cluster.world.dice.between(0, 200), () => {
      this.#proceed({ type: 'stopped', interrupted });
    });
  }

  #interruption(session: Session | undefined): Interruption | null {
    if (session === undefined || session.doing === null) return null;
    const { what, since } = session.doing;
    return {
      ...{ generation: session.generation, step: this.state?.step ?? 0, attempt: 1, doing: what },
      waitsFor: session.ring.waitsFor(session.rank),
      seconds: (this.#cluster.world.now - since) / 1000,
    };
  }

  #bind({ generation, rank, size }: { generation: number; rank: number; size: number }): void {
    const ring = this.#cluster.ringOf(generation, size);
    const session: Session = {
      ...{ generation, rank, ring, start: null, firstStep: null, offer: null },
      ...{ ended: false, doing: null },
    };
    this.#sessions.set(generation, session);
    this.later(this.#cluster.world.dice.between(0.5, 10), () => {
      if (session.ended) return;
      const moves = this.#stepping !== null || this.state === null;
      const state = moves || this.state === null ? null : positionOf(this.state);
      const endpoint = `${this.id}/${generation}`;
      this.#proceed({ type: 'bound', generation, endpoint, donor: endpoint, state });
    });
  }

  #connect(start: Command<'start'>): void {
    const session = this.#sessionOf(start.generation);
    session.start = start;
    this.#does(session, 'link');
    assert(start.seats[session.rank]?.endpoint === `${this.id}/${start.generation}`, 'seats: own');
    const linked = () => {
      this.#proceed({ type: 'linked', generation: start.generation });
    };
    session.ring.link(session.rank, this.#waiting(session, linked), start.deadlineMs);
  }

  #take(start: Command<'start'>): void {
    const { begin, generation } = start;
    const session = this.#sessionOf(generation);
    const taken = () => {
      const { step } = this.#present;
      this.#proceed({ type: 'taken', generation, step, seconds: 0 });
    };
    this.#does(session, 'transfer');
    const isHolder = 'holders' in begin && begin.holders.includes(session.rank);
    if ('holders' in begin && !isHolder) {
      this.state = null;
      const due = this.#cluster.world.now + start.deadlineMs;
      const holders = begin.holders.map((rank) => start.seats[rank]?.donor.split('/')[0] ?? '');
      this.#fetch(session, holders, due, taken);
      return;
    }
    this.later(this.#cluster.world.dice.between(1, 100), () => {
      if (session.ended) return;
      if (begin.at === 'specification') this.state = FIRST;
      if (begin.at === 'checkpoint') this.state = this.#cluster.checkpoint(begin.manifest);
      if ('position' in begin) {
        const holds = this.#present;
        assert(
          positionOf(holds).stateHash === begin.position.stateHash,
          `${this.id} does not hold what ${generation} begins from`,
        );
      }
      taken();
    });
  }

  /** Takes the state from whoever offers it, once somebody does; what is withdrawn meanwhile is begun anew. */
  #fetch(session: Session, holders: readonly string[], due: number, taken: () => void): void {
    const { world } = this.#cluster;
    const { generation } = session;
    const donors = holders.filter((id) => this.#offerOf(id, generation) !== null);
    const donor = world.dice.pick(donors) ?? '';
    const offer = this.#offerOf(donor, generation);
    this.later(offer === null ? 25 : world.dice.between(1, 120), () => {
      if (session.ended) return;
      if (offer !== null && this.#offerOf(donor, generation) === offer) {
        this.state = offer;
        taken();
      } else if (world.now > due) {
        this.#failed(session, { code: 'RING_PEER_SILENT', peer: 0 }, []);
      } else this.#fetch(session, holders, due, taken);
    });
  }

  #offerOf(donor: string, generation: number): State | null {
    return this.#cluster.trainer(donor)?.offerOf(generation) ?? null;
  }

  #enter({ generation, offer }: { generation: number; offer: boolean }): void {
    this.#flush();
    const session = this.#sessionOf(generation);
    session.firstStep = this.#present.step;
    session.offer = offer ? this.#present : null;
    this.#stepping = session;
    this.#untold = { session, steps: [] };
  }

  #leaveFor(generation: number): void {
    const before = this.#stepping;
    assert(before !== null, 'a switch without a ring');
    this.#cluster.witness.leaves(this.id, before.generation, generation, this.#present);
  }

  #iterate(): void {
    const session = this.#stepping;
    if (session === null || session.ended) return;
    const state = this.#present;
    const { world } = this.#cluster;
    if (evaluationIsDue(state)) {
      this.#does(session, 'evaluate');
      this.later(world.dice.between(2, 40), () => {
        this.#sum(session, `evaluation ${state.evaluations}`, [], false, () => {
          this.#apply(session, evaluated(state));
          this.#iterate();
        });
      });
    } else if (state.step >= STEPS) this.#finish(session);
    else this.#attempt(session, 1, world.now);
  }

  #attempt(session: Session, attempt: number, since: number): void {
    const { start } = session;
    const state = this.#present;
    const shares = state.step === session.firstStep ? start?.firstShares : start?.shares;
    const share = shares?.[session.rank] ?? [];
    this.#does(session, 'compute');
    this.later(this.#microbatchMs * share.length + 0.5, () => {
      this.#sum(session, `${state.step}/${attempt}`, share, true, ({ worth, named }) => {
        if (attempt < attemptsOf(state)) {
          this.#attempt(session, attempt + 1, since);
          return;
        }
        this.#apply(session, stepped(state, worth));
        this.#report(session, since, share.length);
        const [first = 0] = named;
        const agreed = first > session.generation && named.every((other) => other === first);
        this.#proceed({
          ...{ type: 'concluded', step: this.#present.step, agreed: agreed ? first : null },
        });
        this.later(0, () => {
          this.#iterate();
        });
      });
    });
  }

  #sum(
    session: Session,
    key: string,
    share: readonly number[],
    isStep: boolean,
    apply: (sum: Sum) => void,
  ): void {
    if (session.ended) return;
    const state = this.#present;
    if (isStep) this.#does(session, 'all-reduce');
    const named = announced(this.#membership);
    const worth = contribution(state, share);
    const waiting = this.#waiting(session, (sum: Sum) => {
      session.offer = null;
      apply(sum);
    });
    const deadlineMs = session.start?.deadlineMs ?? 0;
    session.ring.sum(session.rank, key, { state, share, worth, named }, waiting, {
      ...{ deadlineMs, isStep },
    });
  }

  #apply(session: Session, state: State): void {
    for (const { offer } of this.#sessions.values()) {
      assert(offer === null, `transfer: ${this.id} changes a state that it offers`);
    }
    this.state = state;
    this.#cluster.witness.applied(this.id, session.generation, state);
    const due = state.step % CHECKPOINT_EVERY === 0 && state.step < STEPS;
    if (session.rank === 0 && due && !evaluationIsDue(state)) this.#checkpoint(session.generation);
  }

  #report(session: Session, since: number, microbatches: number): void {
    const seconds = (this.#cluster.world.now - since) / 1000;
    const compute = (this.#microbatchMs * microbatches) / 1000;
    const { step } = this.#present;
    const isFirst = session.doing !== null && step - 1 === session.firstStep;
    this.#untold ??= { session, steps: [] };
    this.#untold.steps.push({
      ...{ step, loss: 1, counted: 1, tokens: 1, learningRate: 1, gradientNorm: 1, attempts: 1 },
      ...{ seconds, ringBytes: 1, microbatches, nonFinite: null },
      ledger: { samples: 1, digest: 1 },
      phases: { compute, quantise: 0, send: 0, wait: 0, update: 0 },
    });
    if (isFirst || this.#cluster.world.dice.chance(0.4)) this.#flush();
  }

  #checkpoint(generation: number): void {
    const state = this.#present;
    this.later(this.#cluster.world.dice.between(5, 90), () => {
      const manifest = this.#cluster.keep(state);
      const position = positionOf(state);
      this.#send({ type: 'checkpointed', generation, position, manifest, seconds: 0.1 });
    });
  }

  #finish(session: Session): void {
    this.#does(session, 'finish');
    this.#flush();
    const { generation, rank } = session;
    const isFirst = rank === 0;
    this.later(isFirst ? this.#cluster.world.dice.between(5, 500) : 0, () => {
      if (session.ended) return;
      session.doing = null;
      this.#stepping = null;
      const position = positionOf(this.#present);
      const model = isFirst ? position.stateHash : null;
      this.#proceed({
        type: 'ended',
        message: { type: 'finished', generation, rank, position, model, metrics: {} },
      });
    });
  }

  #waiting<T>(session: Session, resolve: (value: T) => void): Waiting<T> {
    return {
      later: (delayMs, work) => {
        this.later(delayMs, work);
      },
      resolve: (value) => {
        if (!session.ended) resolve(value);
      },
      reject: (error) => {
        if (!session.ended) this.#failed(session, error, [error.peer]);
      },
    };
  }

  #failed(session: Session, { code }: RingError, blames: number[]): void {
    const { generation } = session;
    if (this.#stepping === session) this.#stepping = null;
    this.#proceed({
      type: 'ended',
      message: {
        ...{ type: 'failed', generation, step: this.state?.step ?? 0, fatal: false, blames },
        error: { code, message: code, remedy: '', detail: null },
      },
    });
  }

  #close(generation: number, how: 'closed' | 'broken'): void {
    const session = this.#sessions.get(generation);
    if (session === undefined) return;
    this.#sessions.delete(generation);
    session.ended = true;
    session.offer = null;
    session.ring.leave(session.rank, how);
  }

  #does(session: Session, what: Interruption['doing']): void {
    session.doing = { what, since: this.#cluster.world.now };
  }

  #sessionOf(generation: number): Session {
    const session = this.#sessions.get(generation);
    assert(session !== undefined, `${this.id} has no session of ${generation}`);
    return session;
  }

  get #present(): State {
    assert(this.state !== null, `${this.id} has no state`);
    return this.state;
  }
}
