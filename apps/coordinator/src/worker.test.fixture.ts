import {
  coordinatorMessageSchema,
  decodeMessage,
  encodeMessage,
  faultOf,
  sha256,
  type ArtifactManifest,
  type CoordinatorMessage,
  type ErrorCode,
  type Launch,
  type StepReport,
  type TrainerCommand,
  type TrainerMessage,
  type WorkerMessage,
} from '@ringmaster/protocol';
import { tinyModelFiles } from '@ringmaster/tasks/testing';
import { Dealer } from 'zeromq';
import { Client } from './home.test.fixture.js';
import { version } from './version.js';

type Prepare = Extract<TrainerCommand, { type: 'prepare' }>;
type Start = Extract<TrainerCommand, { type: 'start' }>;

export interface FakeWorkerOptions {
  readonly control: string;
  /** Tells the worker from others of this process. */
  readonly pid: number;
  readonly slots?: number;
  readonly token?: string | null;
  readonly keys?: { readonly server: string; readonly public: string; readonly secret: string };
  /** Steps are made up to here, and on when it is raised. */
  readonly gate?: { step: number };
  readonly numerics?: Readonly<Record<string, string>>;
  /** Steps of a run. */
  readonly steps?: number;
  readonly stepMs?: number;
  /** Codes of the errors that trainers fail with instead of loading, one after another. */
  readonly loadFailures?: ErrorCode[];
  /** Trainers never agree to leave their ring. */
  readonly stubborn?: boolean;
}

/** The state of any run after `step` steps, as all trainers here agree. */
export const stateHashAt = (step: number) => sha256(`state ${step}`);

const positionAt = (step: number) => ({ step, evaluations: 0, stateHash: stateHashAt(step) });

/** A worker on a real DEALER whose trainers speak the protocol and compute nothing. */
export class FakeWorker {
  readonly options: FakeWorkerOptions;
  readonly heard: CoordinatorMessage[] = [];
  readonly trainers = new Map<string, FakeTrainer>();
  id = '';
  url = '';
  readonly #socket: Dealer;
  readonly #heartbeats: NodeJS.Timeout;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: FakeWorkerOptions) {
    this.options = options;
    const { keys } = options;
    this.#socket = new Dealer({
      linger: 0,
      ...(keys === undefined
        ? {}
        : {
            curveServerKey: keys.server,
            curvePublicKey: keys.public,
            curveSecretKey: keys.secret,
          }),
    });
    this.#socket.connect(options.control);
    void this.#listen();
    this.#register();
    this.#heartbeats = setInterval(() => {
      this.send({ type: 'heartbeat' });
    }, 100);
  }

  send(message: WorkerMessage): void {
    this.#sending = this.#sending.then(async () => {
      if (!this.#socket.closed)
        await this.#socket.send(encodeMessage(message)).catch(() => undefined);
    });
  }

  /** The trainer process is killed. */
  killTrainer(trainer: FakeTrainer): void {
    trainer.stop();
    this.trainers.delete(trainer.launch.trainer);
    const lastLines = ['its last words'];
    this.send({
      type: 'trainer-exited',
      trainer: trainer.launch.trainer,
      code: null,
      signal: 'SIGKILL',
      lastLines,
      rssBytes: null,
      outOfMemory: false,
    });
  }

  /** The host is gone from one moment to the next. */
  vanish(): void {
    clearInterval(this.#heartbeats);
    for (const trainer of this.trainers.values()) trainer.stop();
    this.#socket.close();
  }

  #register(): void {
    this.send({
      ...{ type: 'register', version, token: this.options.token ?? null, host: 'test' },
      ...{ namespace: 'test', pid: this.options.pid, startTime: 1 },
      ...{ slots: this.options.slots ?? 1, threads: 1, device: 'cpu' },
      trainers: [...this.trainers.values()].map(({ launch }) => ({
        ...{ trainer: launch.trainer, job: launch.job, pid: 1 },
      })),
      checkpoints: [],
    });
  }

  async #listen(): Promise<void> {
    for await (const [frame = Buffer.alloc(0)] of this.#socket) {
      const message = decodeMessage(coordinatorMessageSchema, frame, 'coordinator');
      if (message.type !== 'heard') this.heard.push(message);
      this.#obey(message);
    }
  }

  #obey(message: CoordinatorMessage): void {
    switch (message.type) {
      case 'registered':
        this.id = message.worker;
        this.url = message.artifacts.url;
        break;
      case 'heard':
        if (!message.known && this.id !== '') this.#register();
        break;
      case 'launch': {
        const { trainer, job } = message.launch;
        this.trainers.set(trainer, new FakeTrainer(this, message.launch));
        this.send({ type: 'trainer-started', trainer, pid: 4711 });
        this.send({
          type: 'log',
          trainer,
          job,
          lines: [JSON.stringify({ msg: 'loaded', trainer })],
        });
        break;
      }
      case 'trainer-command':
        this.trainers.get(message.trainer)?.obey(message.command);
        break;
      case 'end-trainer': {
        const trainer = this.trainers.get(message.trainer);
        if (trainer === undefined) break;
        trainer.stop();
        this.trainers.delete(message.trainer);
        this.send({
          type: 'trainer-exited',
          trainer: message.trainer,
          code: 0,
          signal: null,
          lastLines: [],
          rssBytes: null,
          outOfMemory: false,
        });
        break;
      }
      case 'shutdown':
        this.send({ type: 'leave' });
        void this.#sending.then(() => {
          this.vanish();
        });
        break;
      case 'refused':
        clearInterval(this.#heartbeats);
    }
  }
}

/** The newest step of each job that any trainer here has made. */
const newestSteps = new Map<string, number>();

/** A trainer that counts steps. */
export class FakeTrainer {
  readonly launch: Launch;
  readonly #worker: FakeWorker;
  readonly starts: Start[] = [];
  step: number | null = null;
  #generation = 0;
  #rank = 0;
  readonly #ranks = new Map<number, number>();
  #loop: NodeJS.Timeout | undefined;

  constructor(worker: FakeWorker, launch: Launch) {
    this.launch = launch;
    this.#worker = worker;
    const code = worker.options.loadFailures?.shift();
    if (code !== undefined) {
      const error = { code, message: 'it is damaged', remedy: '', detail: null };
      const fatal = faultOf(code) === 'job';
      this.say({ type: 'failed', generation: 0, step: 0, fatal, blames: [], error });
      return;
    }
    const numerics = { ...(worker.options.numerics ?? { cpu: 'test' }) };
    this.say({ type: 'ready', steps: this.#steps, numerics, parameters: 1 });
  }

  get #steps(): number {
    return this.#worker.options.steps ?? this.launch.spec.steps ?? 10;
  }

  say(message: TrainerMessage): void {
    this.#worker.send({ type: 'trainer-message', trainer: this.launch.trainer, message });
  }

  stop(): void {
    clearTimeout(this.#loop);
    this.#generation = 0;
  }

  obey(command: TrainerCommand): void {
    switch (command.type) {
      case 'prepare':
        this.#prepare(command);
        break;
      case 'start':
        this.#start(command);
        break;
      case 'retire':
        if (this.#worker.options.stubborn === true) break;
        void this.#retire(command.generation, command.checkpoint);
        break;
      case 'save':
        void this.#save(this.#generation);
        break;
      case 'withdraw':
    }
  }

  #prepare({ generation, rank, planned }: Prepare): void {
    if (!planned) {
      clearTimeout(this.#loop);
      [this.#generation, this.#rank] = [generation, rank];
    }
    this.#ranks.set(generation, rank);
    const { step } = this;
    const state = planned || step === null ? null : positionAt(step);
    const endpoint = `tcp://127.0.0.1:${rank + 1}`;
    const [donor, interrupted] = ['', null];
    this.say({ type: 'prepared', generation, endpoint, donor, state, interrupted });
  }

  /** Fake rings agree at once: whoever is new takes the newest step of its job over. */
  #start(start: Start): void {
    const { begin, generation } = start;
    const rank = this.#ranks.get(generation) ?? 0;
    clearTimeout(this.#loop);
    this.starts.push(start);
    [this.#generation, this.#rank] = [generation, rank];
    if (begin.at === 'switch') this.step ??= newestSteps.get(this.launch.job) ?? 0;
    else this.step = 'position' in begin ? begin.position.step : 0;
    this.say({ type: 'started', generation, rank, step: this.step, transferSeconds: 0 });
    this.#loop = setTimeout(() => void this.#advance(generation), 1);
  }

  async #retire(generation: number, checkpoint: boolean): Promise<void> {
    clearTimeout(this.#loop);
    const before = this.#generation;
    this.#generation = 0;
    if (checkpoint && this.#rank === 0) await this.#save(before);
    this.say({ type: 'retired', generation, step: this.step ?? 0 });
  }

  async #save(generation: number): Promise<void> {
    const position = positionAt(this.step ?? 0);
    const manifest = await this.#upload('checkpoint', position.step).catch(() => null);
    if (manifest !== null)
      this.say({ type: 'checkpointed', generation, position, manifest, seconds: 0.1 });
  }

  async #advance(generation: number): Promise<void> {
    const { gate, stepMs = 5 } = this.#worker.options;
    if (generation !== this.#generation || this.step === null) return;
    if (this.step >= this.#steps) return this.#finish(generation);
    if (gate === undefined || this.step < gate.step) {
      this.step++;
      const { step } = this;
      newestSteps.set(this.launch.job, Math.max(step, newestSteps.get(this.launch.job) ?? 0));
      const steps = [report(step)];
      const evaluations = step % 10 === 0 ? [{ step, loss: 2, metrics: { accuracy: 0.5 } }] : [];
      this.say({ type: 'progress', generation, rank: this.#rank, steps, evaluations });
      if (
        this.#rank === 0 &&
        step % this.launch.spec.checkpoint.every === 0 &&
        step < this.#steps
      ) {
        await this.#save(generation);
      }
    }
    if (generation !== this.#generation) return;
    this.#loop = setTimeout(() => void this.#advance(generation), stepMs);
  }

  async #finish(generation: number): Promise<void> {
    const [step, rank] = [this.#steps, this.#rank];
    const model = rank === 0 ? await this.#upload('model', step).catch(() => undefined) : null;
    if (model === undefined) return; // The coordinator is gone; another generation comes.
    this.say({
      type: 'finished',
      generation,
      rank,
      position: positionAt(step),
      model,
      metrics: { accuracy: 1 },
    });
  }

  async #upload(kind: ArtifactManifest['kind'], step: number): Promise<string> {
    const client = new Client(this.#worker.url, this.#worker.options.token ?? null);
    const put = async (value: string | Buffer) => {
      const content = Buffer.from(value);
      const response = await client.put(sha256(content), content);
      if (response.status !== 201) throw new Error(await response.text());
      return { sha256: sha256(content), bytes: content.length };
    };
    const { job, spec, specHash, dataManifest, baseManifest } = this.launch;
    const manifest: ArtifactManifest = {
      ...{ format: 1, kind, job, name: spec.name, ...positionAt(step), specHash },
      ...{ dataManifest, baseManifest, task: 'masked-language-model', labels: null, metrics: {} },
      files: {
        'state.txt': await put(`state of ${job} at ${step}`),
        'model.safetensors': await put(MODEL['model.safetensors']),
        'config.json': await put(MODEL['config.json']),
        'tokenizer.json': await put(MODEL['tokenizer.json']),
      },
    };
    return (await put(JSON.stringify(manifest))).sha256;
  }
}

function report(step: number): StepReport {
  return {
    ...{ step, loss: 5 - step / 100, counted: 10, tokens: 64, learningRate: 1e-3, gradientNorm: 1 },
    ...{
      attempts: 1,
      startedAt: 0,
      seconds: 0.01,
      ringBytes: 1000,
      ringSeconds: 0.01,
      microbatches: 1,
      nonFinite: null,
    },
    ledger: { samples: 1, digest: 1 },
    phases: { compute: 0.005, quantise: 0.001, send: 0.001, wait: 0.002, update: 0.001 },
  };
}

/** A model that a fine-tune can be prepared with. */
const MODEL = await tinyModelFiles();
