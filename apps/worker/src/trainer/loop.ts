import type { TrainerMessage } from '@ringmaster/protocol';
import { faultPoint } from '../faults/fault-point.js';
import type { Message } from './membership/types.js';
import type { Ports, RingSession } from './ports.js';
import { Reporter } from './reporter.js';

export interface LoopOptions<Session extends RingSession> {
  readonly ports: Ports<Session>;
  readonly send: (message: TrainerMessage) => void;
  /** Called when a step is applied; it may enter another session, or none. */
  readonly concluded: (agreed: number | null) => void;
  /** Resolves when the sockets of sessions that were left are closed: until then they may read an arena. */
  readonly closed: () => Promise<void>;
}

/** The steps of a run, through every generation that its ring switches to. */
export class Loop<Session extends RingSession> {
  readonly #options: LoopOptions<Session>;
  #session: Session | null = null;
  #reporter: Reporter | null = null;

  constructor(options: LoopOptions<Session>) {
    this.#options = options;
  }

  /** The session that steps, or null when none does. */
  get session(): Session | null {
    return this.#session;
  }

  /** The next step is made in this session. `offer`: others take the state from here before it. */
  enter(session: Session, offer: boolean): void {
    this.flush();
    this.#session = session;
    const { ports, send } = this.#options;
    this.#reporter = new Reporter(send, session, ports.now);
    session.begin(offer);
  }

  /** No step is made any more. */
  leave(): void {
    this.#session = null;
  }

  /** Tells what was applied and has not been told. */
  flush(): void {
    this.#reporter?.flush();
  }

  /** @returns what is to be said at the end of the run, or null when the loop was left before */
  async run(): Promise<Message<'finished'> | null> {
    const { ports, concluded, closed } = this.#options;
    const { run, checkpoints } = ports;
    for (let session = this.#session; session !== null; session = this.#session) {
      await closed();
      if (run.evaluationIsDue) {
        session.does('evaluate');
        faultPoint('evaluate', run);
        const result = await ports.evaluate(session);
        faultPoint('evaluated', run);
        if (result !== null) this.#reporter?.evaluation(result);
      }
      if (run.isOver) {
        session.does('finish');
        await checkpoints.settled();
        this.flush();
        const message = await ports.finish(session);
        session.does(null);
        return message;
      }
      session.does('compute');
      this.#reporter?.step(await ports.step(session));
      if (session.rank === 0 && run.checkpointIsDue) checkpoints.write(session.generation);
      concluded(session.agreed);
    }
    return null;
  }
}
