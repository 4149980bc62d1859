import {
  RingmasterError,
  type ErrorBody,
  type ErrorCode,
  type TrainerCommand,
  type TrainerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { CheckpointWriter, loadCheckpoint } from './checkpoint.js';
import { evaluateInRing } from './evaluate.js';
import { finishModel } from './model-artifact.js';
import { Reporter } from './reporter.js';
import type { Run } from './run.js';
import { GenerationEnded, Session } from './session.js';
import { trainStep } from './step.js';

type Prepare = Extract<TrainerCommand, { type: 'prepare' }>;
type Start = Extract<TrainerCommand, { type: 'start' }>;

/** Time between signs of life while the run is concluded, which may take long. */
const ALIVE_MS = 5000;

/**
 * A trainer's life in generations. Invariants:
 * - Commands are handled one after another, in the order in which they came.
 * - PREPARE is a promise: once `prepared` is sent, nothing of an older generation is applied.
 * - The state changes only inside a step, synchronously, after the generation was seen to be current.
 */
export class Trainer {
  readonly #run: Run;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: Logger;
  readonly #checkpoints: CheckpointWriter;
  #commands: Promise<void> = Promise.resolve();
  #session: Session | null = null;
  #steps: Promise<void> = Promise.resolve();

  constructor(run: Run, send: (message: TrainerMessage) => void, log: Logger) {
    this.#run = run;
    this.#send = send;
    this.#log = log;
    this.#checkpoints = new CheckpointWriter(run, send, log);
  }

  /**
   * Takes a command; it is carried out after those before it. A newer generation ends the present one at once, so that
   * whatever still waits in it is over when its turn comes.
   */
  handle(command: TrainerCommand): void {
    const present = this.#session;
    if (command.type === 'prepare' && present !== null && command.generation > present.generation) {
      present.end().catch((error: unknown) => {
        this.#log.warn({ err: error }, 'a ring could not be closed');
      });
    }
    this.#commands = this.#commands.then(async () => {
      const generation = 'generation' in command ? command.generation : 0;
      try {
        if (command.type === 'prepare') await this.#prepare(command);
        else if (command.type === 'start') await this.#start(command);
      } catch (error) {
        if (!(error instanceof GenerationEnded)) this.#fail(generation, error);
      }
    });
  }

  async #prepare({ generation, rank, size }: Prepare): Promise<void> {
    if (this.#session !== null && generation <= this.#session.generation) return;
    await this.#session?.end();
    await this.#steps;
    const { step, launch } = this.#run;
    this.#session = await Session.open(this.#run, { job: launch.job, generation, rank, size });
    this.#log.info({ generation, rank, step }, 'prepared');
    this.#send({
      type: 'prepared',
      generation,
      endpoint: this.#session.endpoint,
      donor: '',
      state: this.#run.isInitialised ? this.#run.position() : null,
      interrupted: null,
    });
  }

  async #start(start: Start): Promise<void> {
    const session = this.#session;
    if (session?.generation !== start.generation) return;
    await this.#load(start);
    const endpoints = start.seats.map(({ endpoint }) => endpoint);
    await session.connect(endpoints, start.shares[session.rank] ?? []);
    this.#log.info(
      { generation: start.generation, step: this.#run.step, share: session.share },
      'started',
    );
    this.#steps = this.#train(session).catch((error: unknown) => {
      if (error instanceof GenerationEnded) return;
      this.#fail(session.generation, error);
    });
  }

  /** Brings the state to where the generation starts. */
  async #load({ begin }: Start): Promise<void> {
    const run = this.#run;
    if (begin.at === 'specification') {
      run.initialise();
      return;
    }
    if (begin.at === 'switch') throw new Error('a planned change is not possible yet');
    const { step, stateHash } = begin.position;
    const holds = run.isInitialised && run.step === step;
    if (begin.at === 'checkpoint' && !(holds && run.stateHash() === stateHash)) {
      await loadCheckpoint(run, begin.manifest);
    }
    const actual = run.stateHash();
    if (run.step !== step || actual !== stateHash) {
      throw new RingmasterError('STATE_MISMATCH', { step, expected: stateHash, actual });
    }
  }

  async #train(session: Session): Promise<void> {
    const run = this.#run;
    const { checkpoint } = run.spec;
    const reporter = new Reporter(this.#send, session.generation, session.rank);
    for (;;) {
      if (run.evaluationIsDue) {
        const result = await evaluateInRing(run, session);
        if (result !== null) reporter.evaluation(result);
      }
      if (run.isOver) break;
      reporter.step(await trainStep(run, session));
      if (session.rank === 0 && run.step < run.steps && run.step % checkpoint.every === 0) {
        this.#checkpoints.write(session.generation);
      }
    }
    reporter.flush();
    await this.#finish(session);
  }

  /** Rank 0 judges the model on the test split and makes it durable; the others have nothing left to do. */
  async #finish(session: Session): Promise<void> {
    const run = this.#run;
    await this.#checkpoints.settled();
    const { generation, rank } = session;
    const alive = setInterval(() => {
      this.#send({ type: 'progress', generation, rank, steps: [], evaluations: [] });
    }, ALIVE_MS);
    const { metrics, model } = await this.#concludeRun(session).finally(() => {
      clearInterval(alive);
    });
    this.#send({
      type: 'finished',
      generation,
      rank,
      position: run.position(),
      model,
      metrics,
    });
  }

  async #concludeRun(session: Session) {
    if (session.rank !== 0) return { metrics: {}, model: null };
    return finishModel(this.#run, session.rank, () => session.breathe());
  }

  #fail(generation: number, error: unknown): void {
    this.#log.error({ generation, step: this.#run.step, err: error }, 'failed');
    this.#send({
      type: 'failed',
      generation,
      step: this.#run.step,
      fatal: isFatal(error),
      blames: [],
      error: errorBody(error),
    });
  }
}

/** Errors that are functions of the specification and the data: anybody's next attempt would end the same way. */
const fatalCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'DATA_LABELS_MISSING',
  'DATA_SPLIT_EMPTY',
  'JOB_FILE_INVALID',
  'MODEL_CONFIG_INVALID',
  'MODEL_CONFIG_UNSUPPORTED',
  'MODEL_TENSOR_SHAPE',
  'MODEL_TOO_LARGE',
  'MODEL_UNUSABLE',
  'TRAINING_NON_FINITE',
]);

export function isFatal(error: unknown): boolean {
  return error instanceof RingmasterError && fatalCodes.has((error as RingmasterError).code);
}

/** The form in which any failure crosses to the coordinator. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof RingmasterError) return error.toBody();
  const reason = error instanceof Error ? error.message : String(error);
  return new RingmasterError('INTERNAL', { reason }).toBody();
}
