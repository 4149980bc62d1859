import { RingmasterError, type TrainerCommand, type TrainerMessage } from '@ringmaster/protocol';
import { Trainer as Shell } from '@ringmaster/worker/generations';
import { Checkpoints } from './checkpoints.js';
import type { Environment } from './environment.js';
import { Process } from './process.js';
import { Run } from './run.js';
import { Session, type SessionWitness } from './session.js';
import { STEPS, type State } from './state.js';

/** A trainer: the real one, in a process that can be stopped and killed, on a modelled ring and a modelled state. */
export class Trainer {
  readonly process: Process;
  readonly #shell: Shell<Session>;
  readonly #sessions = new Map<number, Session>();
  /** Generations that were asked for after a failure: an answer to one is a promise. */
  readonly #unplanned = new Set<number>();
  /** The ring that steps, or was left in this very moment for another, and the state then. */
  #stepping: Session | null = null;
  #left: { readonly generation: number; readonly state: State } | null = null;

  constructor(environment: Environment, id: string, tell: (message: TrainerMessage) => void) {
    this.process = new Process(environment, id, tell);
    environment.offers.set(id, (generation) => this.#offerOf(generation));
    const run = new Run(this.process);
    const witness: SessionWitness = {
      begins: (session) => {
        this.#begins(session);
      },
      ends: (session, abandon) => {
        this.#ends(session, abandon);
      },
    };
    this.#shell = new Shell<Session>(
      {
        run,
        checkpoints: new Checkpoints(this.process),
        now: () => environment.world.now,
        open: (options) => {
          const session = new Session(this.process, witness, options);
          this.#sessions.set(options.generation, session);
          return session;
        },
        loadCheckpoint: (manifest) => run.loadCheckpoint(manifest),
        evaluate: (session) => run.evaluate(session),
        step: (session) => run.trainStep(session),
        finish: (session) => run.finish(session),
      },
      (message) => {
        this.#say(message);
      },
      {
        info: () => undefined,
        warn: (entry: unknown) => {
          this.#observe(entry);
        },
        error: (entry: unknown) => {
          this.#observe(entry);
        },
      },
    );
    this.process.later(environment.world.dice.between(100, 1500), () => {
      const numerics = { cpu: 'one' };
      this.process.send({
        type: 'ready',
        steps: STEPS,
        numerics,
        parameters: { trained: 1, frozen: 0 },
      });
    });
  }

  get id(): string {
    return this.process.id;
  }

  command(command: TrainerCommand): void {
    this.process.later(0, () => {
      if (command.type === 'prepare' && !command.planned) this.#unplanned.add(command.generation);
      this.#shell.handle(command);
    });
  }

  die(): void {
    this.process.isAlive = false;
    for (const session of this.#sessions.values()) session.break();
  }

  #say(message: TrainerMessage): void {
    this.process.send(message);
    const { witness } = this.process.environment;
    if (message.type === 'prepared' && this.#unplanned.has(message.generation))
      witness.promises(this.id, message.generation);
    if (message.type === 'retired') this.#leavesFor(message.generation);
  }

  /** A trainer survives most errors, and tells of them; one that nobody knows the code of is a fault of its own. */
  #observe(entry: unknown): void {
    if (typeof entry !== 'object' || entry === null || !('err' in entry)) return;
    if (!RingmasterError.is(entry.err)) this.process.environment.world.fail(entry.err);
  }

  #begins(session: Session): void {
    this.#leavesFor(session.generation);
    this.process.environment.witness.begins(this.id, session.generation, this.process.present);
    this.#stepping = session;
  }

  #ends(session: Session, abandon: boolean): void {
    this.#sessions.delete(session.generation);
    if (session !== this.#stepping) return;
    this.#stepping = null;
    const { generation } = session;
    this.#left = abandon ? null : { generation, state: this.process.present };
  }

  #leavesFor(generation: number): void {
    if (this.#left === null) return;
    this.process.environment.witness.leaves(
      this.id,
      this.#left.generation,
      generation,
      this.#left.state,
    );
    this.#left = null;
  }

  /** The state that it gives to others of a generation now, or null. */
  #offerOf(generation: number): State | null {
    const { isAlive, isStopped } = this.process;
    return isAlive && !isStopped ? (this.#sessions.get(generation)?.offer ?? null) : null;
  }
}
