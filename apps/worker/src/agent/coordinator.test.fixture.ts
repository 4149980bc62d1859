import {
  decodeMessage,
  encodeMessage,
  parseJobSpec,
  workerMessageSchema,
  type CoordinatorMessage,
  type Launch,
  type WorkerMessage,
} from '@ringmaster/protocol';
import { Router } from 'zeromq';

type Type = WorkerMessage['type'];
type Message<Of extends Type> = Extract<WorkerMessage, { type: Of }>;

/** The coordinator's end of the control plane: a real ROUTER that records what it hears. */
export class TestCoordinator {
  /** Everything heard, heartbeats apart. */
  readonly heard: WorkerMessage[] = [];
  /** Whether registrations and heartbeats are answered. */
  answering = true;
  /** What heartbeats are answered with. */
  known = true;
  /** Lease that registrations are answered with, in milliseconds. */
  leaseMs = 600;
  /** Where artifacts are. */
  artifacts = {
    url: 'http://127.0.0.1:1',
    fingerprint: null,
    directory: '/nonexistent',
    cluster: 'test',
  };
  readonly endpoint: string;
  readonly #router: Router;
  /** Routing ids of the workers by name. */
  readonly #peers = new Map<string, string>();
  #wake: () => void = () => undefined;
  #heartbeats = 0;
  #registration: Message<'register'> | null = null;

  private constructor(router: Router) {
    this.#router = router;
    this.endpoint = router.lastEndpoint ?? '';
    void this.#listen();
  }

  /** The newest registration. */
  get registration(): Message<'register'> {
    if (this.#registration === null) throw new Error('nobody has registered');
    return this.#registration;
  }

  static async open(endpoint = 'tcp://127.0.0.1:*'): Promise<TestCoordinator> {
    const router = new Router({ linger: 0, handover: true });
    await router.bind(endpoint);
    return new TestCoordinator(router);
  }

  close(): void {
    this.#router.close();
  }

  async tell(worker: string, message: CoordinatorMessage): Promise<void> {
    await this.#router.send([this.#peers.get(worker) ?? '', encodeMessage(message)]);
  }

  /** The first message of this type that has been or will be heard, taken out of `heard`. */
  async take<Of extends Type>(
    type: Of,
    fits: (message: Message<Of>) => boolean = () => true,
  ): Promise<Message<Of>> {
    for (;;) {
      const index = this.heard.findIndex(
        (message) => message.type === type && fits(message as Message<Of>),
      );
      const [found] = index < 0 ? [] : this.heard.splice(index, 1);
      if (found !== undefined) return found as Message<Of>;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /**
   * Resolves when a worker has sent so many more heartbeats, six of which come in a lease: it was running meanwhile, so
   * what it has not said until then it did not want to say.
   */
  async heartbeats(count: number): Promise<void> {
    const until = this.#heartbeats + count;
    while (this.#heartbeats < until) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #answerTo(worker: string, { type }: WorkerMessage): CoordinatorMessage | null {
    const { leaseMs, artifacts, known } = this;
    if (type === 'register') return { type: 'registered', worker, leaseMs, artifacts };
    return type === 'heartbeat' ? { type: 'heard', known } : null;
  }

  async #listen(): Promise<void> {
    for await (const [from, frame] of this.#router) {
      const peer = String(from);
      const message = decodeMessage(workerMessageSchema, frame ?? new Uint8Array(), peer);
      const worker = peer.split('@')[0] ?? '';
      this.#peers.set(worker, peer);
      if (message.type === 'heartbeat') this.#heartbeats++;
      else this.heard.push(message);
      if (message.type === 'register') this.#registration = message;
      const answer = this.answering ? this.#answerTo(worker, message) : null;
      // A test that ends closes the socket while messages are still read from it.
      if (answer !== null && !this.#router.closed) await this.tell(worker, answer);
      this.#wake();
    }
  }
}

/** A launch whose job name says how the trainer fixture behaves. */
export function launchOf(job: string): Launch {
  const spec = parseJobSpec({
    kind: 'pretrain',
    name: 'test',
    model: { architecture: 'gpt', layers: 1, hidden: 8, heads: 1, context: 8 },
    tokenizer: { algorithm: 'bpe', vocabulary: 300 },
    data: { corpus: 'spam-assassin' },
    objective: 'causal-language-model',
    batch: { sequences: 4, microbatches: 4 },
    optimizer: { learningRate: 1e-3 },
    steps: 10,
    workers: { threads: 2 },
  });
  const hash = '0'.repeat(64);
  return { trainer: `${job}-1`, job, spec, dataManifest: hash, baseManifest: null, specHash: hash };
}
