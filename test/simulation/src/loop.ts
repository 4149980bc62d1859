import type { StepReport, TrainerMessage } from '@ringmaster/protocol';
import type { Process } from './process.js';
import type { RingError, Sum } from './ring.js';
import type { Session } from './session.js';
import {
  attemptsOf,
  CHECKPOINT_EVERY,
  contribution,
  evaluated,
  evaluationIsDue,
  positionOf,
  stepped,
  STEPS,
  type State,
} from './state.js';
import { assert } from './witness.js';

export interface LoopOptions {
  readonly process: Process;
  /** What the control lane names. */
  readonly announced: () => number;
  /** Called when a step is applied; it may enter another session, or none. */
  readonly concluded: (agreed: number | null) => void;
  readonly ended: (message: Extract<TrainerMessage, { type: 'finished' }>) => void;
  readonly failed: (session: Session, error: RingError) => void;
}

/** The steps of a trainer, as those of the real one follow each other. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #microbatchMs: number;
  session: Session | null = null;
  #untold: { readonly session: Session; readonly steps: StepReport[] } | null = null;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { dice } = options.process.cluster.world;
    this.#microbatchMs = dice.chance(0.2) ? dice.between(20, 60) : dice.between(3, 12);
  }

  enter(session: Session, offer: boolean): void {
    this.flush();
    const { present } = this.#options.process;
    session.firstStep = present.step;
    session.offer = offer ? present : null;
    this.session = session;
    this.#untold = { session, steps: [] };
  }

  /** Tells what was applied and has not been told. */
  flush(): void {
    if (this.#untold === null || this.#untold.steps.length === 0) return;
    const { session, steps } = this.#untold;
    const { generation, rank } = session;
    this.#untold = { session, steps: [] };
    this.#options.process.send({ type: 'progress', generation, rank, steps, evaluations: [] });
  }

  iterate(): void {
    const { session } = this;
    if (session === null || session.ended) return;
    const { process } = this.#options;
    const { world } = process.cluster;
    const state = process.present;
    if (evaluationIsDue(state)) {
      session.does('evaluate');
      process.later(world.dice.between(2, 40), () => {
        this.#sum(session, `evaluation ${state.evaluations}`, [], false, () => {
          this.#apply(session, evaluated(state));
          this.iterate();
        });
      });
    } else if (state.step >= STEPS) this.#finish(session);
    else this.#attempt(session, 1, world.now);
  }

  checkpoint(generation: number): void {
    const { process } = this.#options;
    const state = process.present;
    process.later(process.cluster.world.dice.between(5, 90), () => {
      const manifest = process.cluster.keep(state);
      const position = positionOf(state);
      process.send({ type: 'checkpointed', generation, position, manifest, seconds: 0.1 });
    });
  }

  #attempt(session: Session, attempt: number, since: number): void {
    const { process, concluded } = this.#options;
    const { start, firstStep } = session;
    const state = process.present;
    const shares = state.step === firstStep ? start?.firstShares : start?.shares;
    const share = shares?.[session.rank] ?? [];
    session.does('compute');
    process.later(this.#microbatchMs * share.length + 0.5, () => {
      this.#sum(session, `${state.step}/${attempt}`, share, true, ({ worth, named }) => {
        if (attempt < attemptsOf(state)) {
          this.#attempt(session, attempt + 1, since);
          return;
        }
        this.#apply(session, stepped(state, worth));
        this.#report(session, since, share.length);
        const [first = 0] = named;
        const agreed = first > session.generation && named.every((other) => other === first);
        concluded(agreed ? first : null);
        process.later(0, () => {
          this.iterate();
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
    const { process, announced, failed } = this.#options;
    const state = process.present;
    if (isStep) session.does('all-reduce');
    const worth = contribution(state, share);
    const waiting = session.waiting<Sum>(
      (sum) => {
        session.offer = null;
        apply(sum);
      },
      (error) => {
        this.session = null;
        failed(session, error);
      },
    );
    const deadlineMs = session.start?.deadlineMs ?? 0;
    session.ring.sum(session.rank, key, { state, share, worth, named: announced() }, waiting, {
      ...{ deadlineMs, isStep },
    });
  }

  #apply(session: Session, state: State): void {
    const { process } = this.#options;
    assert(session.offer === null, `transfer: ${process.id} changes a state that it offers`);
    process.state = state;
    process.cluster.witness.applied(process.id, session.generation, state);
    const due = state.step % CHECKPOINT_EVERY === 0 && state.step < STEPS;
    if (session.rank === 0 && due && !evaluationIsDue(state)) this.checkpoint(session.generation);
  }

  #report(session: Session, since: number, microbatches: number): void {
    const { process } = this.#options;
    const { world } = process.cluster;
    const seconds = (world.now - since) / 1000;
    const compute = (this.#microbatchMs * microbatches) / 1000;
    const { step } = process.present;
    this.#untold?.steps.push({
      ...{ step, loss: 1, counted: 1, tokens: 1, learningRate: 1, gradientNorm: 1, attempts: 1 },
      ...{
        startedAt: since,
        seconds,
        ringBytes: 1,
        ringSeconds: 0.01,
        microbatches,
        nonFinite: null,
      },
      ledger: { samples: 1, digest: 1 },
      phases: { compute, quantise: 0, send: 0, wait: 0, update: 0 },
    });
    // The first step of a generation is told at once.
    if (step - 1 === session.firstStep || world.dice.chance(0.4)) this.flush();
  }

  #finish(session: Session): void {
    const { process, ended } = this.#options;
    session.does('finish');
    this.flush();
    const { generation, rank } = session;
    const isFirst = rank === 0;
    process.later(isFirst ? process.cluster.world.dice.between(5, 500) : 0, () => {
      if (session.ended) return;
      session.does(null);
      this.session = null;
      const position = positionOf(process.present);
      const model = isFirst ? position.stateHash : null;
      ended({ type: 'finished', generation, rank, position, model, metrics: {} });
    });
  }
}
