import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '@ringmaster/base';
import { BlobStore, LEARNED_AT, prepareData } from '@ringmaster/data';
import {
  artifactManifestSchema,
  canonicalJson,
  dataOf,
  needsOf,
  parseJobSpec,
  specHash,
  tokenizerOf,
  trainerMessageSchema,
  type Beginning,
  type JobSpec,
  type Seat,
  type TrainerCommand,
  type TrainerMessage,
} from '@ringmaster/protocol';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { isRelease, release } from './release.js';
import type { RingPlace } from './session/listening.js';

type Message<Type extends TrainerMessage['type']> = Extract<TrainerMessage, { type: Type }>;

/**
 * Prepared data in a home directory of its own, and trainers on it, driven without a coordinator. As on a worker, a process
 * whose run has ended in order waits for the next run.
 */
export class TrainingGround {
  readonly home: string;
  readonly #trainers: TrainerProcess[] = [];
  readonly #resting: TrainerProcess[] = [];

  private constructor(home: string) {
    this.home = home;
  }

  static async create(): Promise<TrainingGround> {
    const home = await mkdtemp(join(tmpdir(), 'ringmaster-trainer-'));
    const file = { cluster: 'test', ...ownIdentity(), url: 'http://127.0.0.1:9', control: '' };
    await writeFile(join(home, 'coordinator.json'), JSON.stringify(file));
    return new TrainingGround(home);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#trainers.map((trainer) => trainer.end()));
    await rm(this.home, { recursive: true, force: true });
  }

  /** Writes a file under the home directory and returns its path. */
  async file(name: string, content: string): Promise<string> {
    const path = join(this.home, name);
    await writeFile(path, content);
    return path;
  }

  store(): BlobStore {
    return new BlobStore(join(this.home, 'artifacts'));
  }

  /** Where trainers find the artifacts. */
  location(): ArtifactsLocation {
    const directory = join(this.home, 'artifacts');
    return {
      url: 'http://127.0.0.1:9',
      fingerprint: null,
      directory,
      cluster: 'test',
      token: null,
    };
  }

  /** Prepares a job's data and returns what a trainer is launched with. */
  async launchOf(
    job: object,
    baseManifest: string | null = null,
  ): Promise<Omit<LaunchMessage['launch'], 'trainer'>> {
    const spec = parseJobSpec(job);
    const tokenizer = tokenizerOf(spec);
    const source = tokenizer === null ? await this.#readingOf(baseManifest ?? '') : { tokenizer };
    const index = join(this.home, 'data');
    const request = { data: dataOf(spec), needs: needsOf(spec), ...source };
    const { sha256 } = await prepareData(request, { store: this.store(), index });
    const hash = specHash(spec, sha256, baseManifest);
    return { job: 'test', spec, dataManifest: sha256, baseManifest, specHash: hash };
  }

  /** Gives a model another file. @returns the SHA-256 of its new manifest */
  async withFile(model: string, name: string, content: string): Promise<string> {
    const store = this.store();
    const manifest = await this.#manifestOf(model);
    const files = { ...manifest.files, [name]: await store.putBytes(Buffer.from(content)) };
    return (await store.putBytes(Buffer.from(canonicalJson({ ...manifest, files })))).sha256;
  }

  async #manifestOf(model: string) {
    return artifactManifestSchema.parse(
      JSON.parse(await readFile(this.store().path(model), 'utf8')),
    );
  }

  /** The tokenizer of a model, and its chat template, which writes no token of a role. */
  async #readingOf(model: string) {
    const store = this.store();
    const { files } = await this.#manifestOf(model);
    const tokenizerFile = store.path(files['tokenizer.json']?.sha256 ?? '');
    const template = files['chat_template.jinja'];
    if (template === undefined) return { tokenizerFile };
    const source = await readFile(store.path(template.sha256), 'utf8');
    return { tokenizerFile, chat: { source, tokens: {}, now: LEARNED_AT } };
  }

  /** A trainer of a run, in a process that rests or in one of its own. */
  async trainer(launch: Omit<LaunchMessage['launch'], 'trainer'>): Promise<TrainerProcess> {
    const { threads } = launch.spec.workers;
    const waiting = this.#resting.findIndex((trainer) => trainer.threads === threads);
    const [rested] = waiting === -1 ? [] : this.#resting.splice(waiting, 1);
    const trainer = rested ?? this.#fork(threads);
    await this.begin(trainer, launch);
    return trainer;
  }

  /** A trainer whose run has ended: its process takes another one. */
  async rest(trainer: TrainerProcess): Promise<void> {
    await trainer.release();
    this.#resting.push(trainer);
  }

  #fork(threads: number): TrainerProcess {
    const child = fork(new URL('./trainer.process.js', import.meta.url).pathname, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: trainerEnvironment({ threads, device: { kind: 'cpu' } }),
    });
    const trainer = new TrainerProcess(child, threads);
    this.#trainers.push(trainer);
    return trainer;
  }

  /** Gives a process that has no run, or none any more, its next one. */
  async begin(
    trainer: TrainerProcess,
    launch: Omit<LaunchMessage['launch'], 'trainer'>,
  ): Promise<void> {
    const { child } = trainer;
    const message: LaunchMessage = {
      type: 'launch',
      run: trainer.run,
      launch: { ...launch, trainer: `t-${child.pid ?? 0}` },
      artifacts: this.location(),
      cache: join(this.home, 'cache'),
      cacheLimit: null,
      ring: { control: 'tcp://127.0.0.1:9', address: null, ports: null },
    };
    child.send(message);
    await trainer.next('ready');
  }
}

interface LaunchMessage {
  readonly type: 'launch';
  readonly run: number;
  readonly launch: {
    readonly trainer: string;
    readonly job: string;
    readonly spec: JobSpec;
    readonly dataManifest: string;
    readonly baseManifest: string | null;
    readonly specHash: string;
  };
  readonly artifacts: ArtifactsLocation;
  readonly cache: string;
  readonly cacheLimit: null;
  readonly ring: RingPlace;
}

/** One real trainer process. */
export class TrainerProcess {
  readonly child: ChildProcess;
  readonly threads: number;
  readonly messages: TrainerMessage[] = [];
  /** Which run of the process the present or next one is. */
  run = 1;
  readonly #forgiven = new Set<TrainerMessage>();
  #notify: () => void = () => undefined;

  constructor(child: ChildProcess, threads: number) {
    this.child = child;
    this.threads = threads;
    child.stdout?.resume();
    child.on('message', (message) => {
      if (isRelease(message)) return;
      this.messages.push(trainerMessageSchema.parse(message));
      this.#notify();
    });
    child.on('exit', () => {
      this.#notify();
    });
  }

  /** Has the process free everything of its run, and forgets what it said in it. */
  async release(): Promise<void> {
    const answered = once(this.child, 'message');
    this.child.send(release);
    if (!isRelease((await answered)[0])) throw new Error('the process goes on with its run');
    this.messages.splice(0);
    this.run++;
  }

  command(command: TrainerCommand): void {
    this.child.send(command);
  }

  /** Waits for a failure and takes it as expected. */
  async failure(): Promise<Message<'failed'>> {
    for (;;) {
      const message = this.messages.find((candidate) => candidate.type === 'failed');
      if (message?.type === 'failed') {
        this.#forgiven.add(message);
        return message;
      }
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  /** The first message of a type that fulfils a condition; those before it stay. */
  async next<Type extends TrainerMessage['type']>(
    type: Type,
    fulfils: (message: Message<Type>) => boolean = () => true,
  ): Promise<Message<Type>> {
    for (;;) {
      for (const message of this.messages) {
        if (message.type === type && fulfils(message as Message<Type>))
          return message as Message<Type>;
      }
      const failure = this.messages.find(
        (message) => message.type === 'failed' && !this.#forgiven.has(message),
      );
      if (failure !== undefined) throw new Error(JSON.stringify(failure));
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`exited before ${type}`);
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** Leads trainers through the handshake of one generation, dealing the microbatches out in turn. */
export async function form(
  trainers: readonly TrainerProcess[],
  {
    generation,
    begin,
    microbatches,
  }: { generation: number; begin: Beginning; microbatches: number },
): Promise<void> {
  const seats = await prepare(trainers, generation, false);
  const shares = deal(microbatches, trainers.length);
  for (const trainer of trainers) {
    trainer.command({
      type: 'start',
      generation,
      begin,
      seats,
      shares,
      firstShares: shares,
      deadlineMs: 60_000,
    });
  }
}

/** Has a ring that steps go on as another one, as soon as it agrees to; the ring's generation is the one before. */
export async function change(
  before: readonly TrainerProcess[],
  after: readonly TrainerProcess[],
  { generation, microbatches }: { generation: number; microbatches: number },
): Promise<void> {
  await Promise.all(before.map((trainer) => trainer.next('started')));
  const seats = await prepare(after, generation, true);
  const holders = [...after.keys()].filter((rank) => {
    const trainer = after[rank];
    return trainer !== undefined && before.includes(trainer);
  });
  const held = deal(microbatches, holders.length);
  const firstShares = after.map((_, rank) => held[holders.indexOf(rank)] ?? []);
  for (const trainer of after) {
    const from = Math.max(
      ...before.flatMap(({ messages }) =>
        messages.flatMap((message) => (message.type === 'started' ? [message.generation] : [])),
      ),
    );
    trainer.command({
      type: 'start',
      generation,
      begin: { at: 'switch', from, holders },
      seats,
      firstShares,
      shares: deal(microbatches, after.length),
      deadlineMs: 60_000,
    });
  }
  const leaving = before.filter((trainer) => !after.includes(trainer));
  for (const trainer of leaving) trainer.command({ type: 'retire', generation, checkpoint: false });
  await Promise.all([
    ...after.map((trainer) => trainer.next('started', (said) => said.generation === generation)),
    ...leaving.map((trainer) => trainer.next('retired', (said) => said.generation === generation)),
  ]);
}

async function prepare(
  trainers: readonly TrainerProcess[],
  generation: number,
  planned: boolean,
): Promise<Seat[]> {
  for (const [rank, trainer] of trainers.entries())
    trainer.command({ type: 'prepare', generation, rank, size: trainers.length, planned });
  const prepared = await Promise.all(
    trainers.map((trainer) =>
      trainer.next('prepared', (message) => message.generation === generation),
    ),
  );
  return prepared.map(({ endpoint, donor }) => ({ endpoint, donor, worker: 'w' }));
}

function deal(microbatches: number, ranks: number): number[][] {
  const all = Array.from({ length: microbatches }, (_, microbatch) => microbatch);
  return Array.from({ length: ranks }, (_, rank) => all.filter((m) => m % ranks === rank));
}
