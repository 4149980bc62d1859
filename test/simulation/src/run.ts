import type { EvaluationReport, Position, StepReport } from '@ringmaster/protocol';
import type { Message, TrainedRun } from '@ringmaster/worker/generations';
import type { Process } from './process.js';
import type { Session } from './session.js';
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

/** A run whose state is modelled: its steps take simulated time and add what microbatches are worth. */
export class Run implements TrainedRun {
  readonly #process: Process;
  readonly #microbatchMs: number;

  constructor(process: Process) {
    const { dice } = process.environment.world;
    this.#process = process;
    this.#microbatchMs = dice.chance(0.2) ? dice.between(20, 60) : dice.between(3, 12);
  }

  get step(): number {
    return this.#process.state?.step ?? 0;
  }

  get isInitialised(): boolean {
    return this.#process.state !== null;
  }

  get evaluationIsDue(): boolean {
    return evaluationIsDue(this.#process.present);
  }

  get checkpointIsDue(): boolean {
    return this.step % CHECKPOINT_EVERY === 0 && this.step < STEPS;
  }

  get isOver(): boolean {
    return this.step >= STEPS;
  }

  position(): Position {
    return positionOf(this.#process.present);
  }

  stateHash(): string {
    return this.position().stateHash;
  }

  async initialise(): Promise<void> {
    await this.#reads();
    this.#process.state = FIRST;
  }

  async loadCheckpoint(manifest: string): Promise<void> {
    this.#process.state = null;
    await this.#reads();
    this.#process.state = this.#process.environment.checkpoint(manifest);
  }

  async evaluate(session: Session): Promise<EvaluationReport> {
    const { present, environment } = this.#process;
    await session.pause(environment.world.dice.between(2, 40));
    await session.sum(`evaluation ${present.evaluations}`, [], 0, false);
    this.#apply(session, evaluated(present));
    return { step: this.step, loss: 1, metrics: {} };
  }

  async trainStep(session: Session): Promise<StepReport> {
    const { present, environment } = this.#process;
    const { share } = session;
    const startedAt = environment.world.now;
    const worth = contribution(present, share);
    for (let attempt = 1; ; attempt++) {
      await session.pause(this.#microbatchMs * share.length + 0.5);
      session.does('all-reduce');
      const sum = await session.sum(`${present.step}/${attempt}`, share, worth, true);
      session.does('compute');
      if (attempt < attemptsOf(present)) continue;
      this.#apply(session, stepped(present, sum.worth));
      return {
        step: this.step,
        loss: 1,
        counted: 1,
        tokens: 1,
        ledger: { samples: 1, digest: 1 },
        learningRate: 1,
        gradientNorm: 1,
        attempts: attempt,
        nonFinite: null,
        microbatches: share.length,
        startedAt,
        seconds: (environment.world.now - startedAt) / 1000,
        phases: {
          compute: (this.#microbatchMs * share.length) / 1000,
          quantise: 0,
          send: 0,
          wait: 0,
          update: 0,
        },
        ringBytes: 1,
        ringSeconds: 0.01,
      };
    }
  }

  async finish(session: Session): Promise<Message<'finished'>> {
    const { generation, rank } = session;
    const isFirst = rank === 0;
    if (isFirst) await session.pause(this.#process.environment.world.dice.between(5, 500));
    const position = this.position();
    const model = isFirst ? position.stateHash : null;
    return { type: 'finished', generation, rank, position, model, metrics: {} };
  }

  /** Takes as long as a disk does. Nothing interrupts it, not even the end of the session. */
  async #reads(): Promise<void> {
    const { dice } = this.#process.environment.world;
    await this.#process.pause(dice.chance(0.25) ? dice.between(100, 6000) : dice.between(1, 100));
  }

  #apply(session: Session, state: State): void {
    const { id, environment } = this.#process;
    assert(session.offer === null, `transfer: ${id} changes a state that it offers`);
    this.#process.state = state;
    environment.witness.applied(id, session.generation, state);
  }
}
