import type { WorkerMessage } from '@ringmaster/protocol';

/** Messages held while nobody answers, after which log lines are no longer kept. */
const LOG_LIMIT = 10_000;

/**
 * What a worker has to tell and does not know to have arrived. Messages of one connection arrive in order, so the
 * answer to a heartbeat says that everything before that heartbeat has arrived as well; the rest is told again after
 * the next registration. A message may thus arrive twice, and none is lost while the worker lives, log lines apart.
 */
export class Outbox {
  #held: WorkerMessage[] = [];
  /** Number of messages that have ever left `#held` at its front. */
  #settled = 0;
  /** For each heartbeat that waits for its answer: how many messages had ever been added before it. */
  #marks: number[] = [];

  /** Returns false when a log message was dropped for want of room. */
  add(message: WorkerMessage): boolean {
    if (message.type === 'log' && this.#held.length >= LOG_LIMIT) return false;
    this.#held.push(message);
    return true;
  }

  heartbeatSent(): void {
    this.#marks.push(this.#settled + this.#held.length);
  }

  /** Returns what is now known to have arrived. */
  heartbeatAnswered(): readonly WorkerMessage[] {
    const mark = this.#marks.shift();
    if (mark === undefined) return [];
    const arrived = this.#held.splice(0, mark - this.#settled);
    this.#settled = mark;
    return arrived;
  }

  /** Everything to tell again on a connection that has just been accepted. */
  restart(): readonly WorkerMessage[] {
    this.#marks = [];
    return this.#held;
  }
}
