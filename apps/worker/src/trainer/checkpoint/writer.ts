import type { ErrorBody, TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { faultPoint } from '../../faults/fault-point.js';
import { errorBody } from '../failure.js';
import type { Checkpoints } from '../ports.js';
import { manifestOf } from '../run/manifest.js';
import type { Late, Stored } from './messages.js';
import type { Subject } from './subject.js';
import { CheckpointTurns } from './turns.js';
import { WritingThread } from './writing.js';

/**
 * Writes checkpoints beside the step loop: a thread of its own hashes a state and makes it durable where it lies, while
 * the next step is computed. What it has not read when the state changes is copied for it, into memory that is
 * there for one copy. A checkpoint that cannot be written is reported and never ends the run.
 */
export class CheckpointWriter implements Checkpoints {
  readonly #run: Subject;
  readonly #send: (message: TrainerMessage) => void;
  readonly #log: Logger;
  readonly #turns = new CheckpointTurns((generation) => this.#write(generation));
  #thread: WritingThread | null = null;
  /** What was said of the newest checkpoint, if the coordinator could not be given it at first. */
  #undelivered: Extract<TrainerMessage, { type: 'checkpointed' }> | null = null;

  constructor(run: Subject, send: (message: TrainerMessage) => void, log: Logger) {
    this.#run = run;
    this.#send = send;
    this.#log = log;
    run.beforeChange(() => {
      this.#thread?.detach();
    });
  }

  /** Begins a checkpoint of the present state; passed over while the one before is still being written. */
  write(generation: number): void {
    if (this.#turns.offer(generation)) return;
    const { step } = this.#run;
    this.#log.warn(
      { generation, step },
      'the checkpoint before is still being written; this one is passed over',
    );
  }

  /** Makes the present state durable; resolves when the message that tells how that went is sent. */
  save(generation: number): Promise<void> {
    return this.#turns.take(generation);
  }

  /** Resolves when no checkpoint is being written. */
  settled(): Promise<void> {
    return this.#turns.settled();
  }

  /** Ends the thread. A checkpoint that has yet to reach the coordinator stays where it lies. */
  async close(): Promise<void> {
    await this.#thread?.close();
    this.#thread = null;
  }

  async #write(generation: number): Promise<void> {
    const { step, evaluations } = this.#run;
    const started = performance.now();
    try {
      const { manifest, stateHash, delivered } = await this.#store();
      const position = { step, evaluations, stateHash };
      const seconds = (performance.now() - started) / 1000;
      const message = { type: 'checkpointed', generation, position, manifest, seconds } as const;
      this.#undelivered = delivered ? null : message;
      this.#send(message);
    } catch (error) {
      this.#fail(generation, step, errorBody(error));
    }
  }

  /** The coordinator believes a checkpoint when it has it, so one that came to it late is told once more. */
  #onLate({ manifest, error }: Late): void {
    const message = this.#undelivered;
    if (message?.manifest !== manifest) return;
    this.#undelivered = null;
    if (error === null) this.#send(message);
    else this.#fail(message.generation, message.position.step, error);
  }

  #fail(generation: number, step: number, error: ErrorBody): void {
    this.#log.error(
      { generation, step, error },
      'the checkpoint could not be written; training goes on',
    );
    this.#send({ type: 'checkpoint-failed', generation, step, error });
  }

  #store(): Promise<Stored> {
    const { state, isInitialised } = this.#run;
    if (!isInitialised) throw new Error('there is no state to be saved');
    const stem = { header: state.header(), manifest: manifestOf(this.#run, 'checkpoint') };
    const stored = this.#writingThread().store(stem);
    faultPoint('checkpoint-begun', this.#run);
    return stored;
  }

  #writingThread(): WritingThread {
    if (this.#thread === null || this.#thread.ended) {
      const { state } = this.#run;
      const { artifacts } = this.#run.loaded;
      this.#thread = new WritingThread(artifacts.source, state.range, (late) => {
        this.#onLate(late);
      });
    }
    return this.#thread;
  }
}
