import {
  coordinatorMessageSchema,
  decodeMessage,
  detection,
  encodeMessage,
  type CoordinatorMessage,
  type StepReport,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import { Dealer } from 'zeromq';

/** As trainers send their reports. */
const REPORT_MS = 500;
/** Steps in a report: 100 ms a step. */
const STEPS_PER_REPORT = 5;
const HEARTBEAT_MS = detection.leaseMs / detection.heartbeatsPerLease;

/** A worker of one slot on a real DEALER. Its trainers speak the protocol, step at a fixed pace and compute nothing. */
export class SimulatedWorker {
  readonly #socket = new Dealer({ linger: 0 });
  readonly #trainers = new Map<string, SimulatedTrainer>();
  #sending: Promise<void> = Promise.resolve();

  /**
   * @param number Tells it from other simulated workers; it is its process id to the coordinator.
   * @param host The one that it is on.
   */
  constructor(control: string, version: string, number: number, host: string) {
    this.#socket.connect(control);
    void this.#listen();
    this.#send({
      type: 'register',
      version,
      token: null,
      machine: host,
      host,
      namespace: host,
      pid: number,
      startTime: 0,
      slots: 1,
      threads: 1,
      device: 'cpu',
      processor: 'x64',
      memory: null,
      tasks: null,
      trainers: [],
      checkpoints: [],
    });
    // Real workers were not all started at the same millisecond.
    setTimeout(() => {
      setInterval(() => {
        this.#send({ type: 'heartbeat' });
      }, HEARTBEAT_MS);
    }, Math.random() * HEARTBEAT_MS);
  }

  #send(message: WorkerMessage): void {
    this.#sending = this.#sending.then(() => this.#socket.send(encodeMessage(message)));
  }

  async #listen(): Promise<void> {
    for await (const [frame = Buffer.alloc(0)] of this.#socket)
      this.#obey(decodeMessage(coordinatorMessageSchema, frame, 'coordinator'));
  }

  #obey(message: CoordinatorMessage): void {
    if (message.type === 'launch') {
      const { trainer } = message.launch;
      this.#send({ type: 'trainer-started', trainer, pid: process.pid });
      const say = (said: TrainerMessage) => {
        this.#send({ type: 'trainer-message', trainer, message: said });
      };
      this.#trainers.set(trainer, new SimulatedTrainer(say, message.launch.spec.steps ?? 1));
    } else if (message.type === 'trainer-command') {
      this.#trainers.get(message.trainer)?.obey(message.command);
    } else if (message.type === 'end-trainer') {
      const { trainer } = message;
      this.#trainers.get(trainer)?.stop();
      this.#trainers.delete(trainer);
      this.#send({
        type: 'trainer-exited',
        trainer,
        code: 0,
        signal: null,
        lastLines: [],
        rssBytes: null,
        outOfMemory: false,
      });
    } else if (message.type === 'shutdown') process.exit(0);
  }
}

/** Follows the coordinator into each ring and reports steps of it; planned changes are agreed to at once. */
class SimulatedTrainer {
  readonly #say: (message: TrainerMessage) => void;
  readonly #ranks = new Map<number, number>();
  #step = 0;
  #reports: NodeJS.Timeout | undefined;

  constructor(say: (message: TrainerMessage) => void, steps: number) {
    this.#say = say;
    say({
      type: 'ready',
      steps,
      numerics: { device: 'cpu' },
      parameters: { trained: 1, frozen: 0 },
    });
  }

  stop(): void {
    clearInterval(this.#reports);
  }

  obey(command: TrainerCommand): void {
    if (command.type === 'prepare') {
      const { generation, rank } = command;
      this.#ranks.set(generation, rank);
      const nowhere = { endpoint: `tcp://127.0.0.1:${rank + 1}`, donor: '' };
      this.#say({ type: 'prepared', generation, ...nowhere, state: null, interrupted: null });
    } else if (command.type === 'start') {
      const { generation } = command;
      const rank = this.#ranks.get(generation) ?? 0;
      this.#say({ type: 'started', generation, rank, step: this.#step, transferSeconds: 0 });
      this.stop();
      this.#reports = setInterval(() => {
        const steps = Array.from({ length: STEPS_PER_REPORT }, () => reportOf(++this.#step));
        this.#say({ type: 'progress', generation, rank, steps, evaluations: [] });
      }, REPORT_MS);
    }
  }
}

function reportOf(step: number): StepReport {
  const seconds = REPORT_MS / STEPS_PER_REPORT / 1000;
  const rest = seconds / 5;
  return {
    step,
    loss: 5,
    counted: 100,
    tokens: 1000,
    ledger: { samples: 8, digest: step },
    learningRate: 1e-3,
    gradientNorm: 1,
    attempts: 1,
    nonFinite: null,
    microbatches: 1,
    startedAt: Date.now(),
    seconds,
    ringBytes: 1_000_000,
    ringSeconds: 0.05,
    phases: { compute: rest, quantise: rest, send: rest, wait: rest, update: rest },
  };
}
