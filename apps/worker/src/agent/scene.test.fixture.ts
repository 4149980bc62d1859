import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { runAgent, type AgentOptions } from './agent.js';
import type { Ending } from './connection.js';
import { launchOf, TestCoordinator } from './coordinator.test.fixture.js';

/** The path of one of the programs that these tests run: `agent` or `trainer`. */
export const program = (name: 'agent' | 'trainer') =>
  fileURLToPath(new URL(`./${name}.test.process.js`, import.meta.url));

/** A coordinator and a worker with a cache of its own, whose trainers are the fixture. */
export class Scene {
  coordinator: TestCoordinator;
  readonly abort = new AbortController();
  readonly leaving = new AbortController();
  readonly cache: string;
  #ended: Promise<Ending> | null = null;

  private constructor(coordinator: TestCoordinator, cache: string) {
    this.coordinator = coordinator;
    this.cache = cache;
  }

  static async open(): Promise<Scene> {
    const cache = await mkdtemp(join(tmpdir(), 'ringmaster-'));
    return new Scene(await TestCoordinator.open(), cache);
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.#ended;
    this.coordinator.close();
    await rm(this.cache, { recursive: true, force: true });
  }

  start(change: Partial<AgentOptions> = {}): Promise<Ending> {
    this.#ended = runAgent({
      name: 'worker-1',
      version: '0.1.0',
      endpoint: () => this.coordinator.endpoint,
      token: 'secret',
      keys: null,
      processor: 'x64',
      memory: null,
      devices: [{ kind: 'cpu' }, { kind: 'cpu' }],
      threads: 4,
      address: null,
      ringPorts: null,
      orphanTimeoutMs: 30_000,
      coordinatorExists: () => false,
      cache: this.cache,
      cacheLimit: null,
      program: program('trainer'),
      taskProgram: '/nonexistent',
      log: pino({ level: 'silent' }),
      onRegistered: () => undefined,
      leaving: this.leaving.signal,
      leaveTimeoutMs: 30_000,
      signal: this.abort.signal,
      ...change,
    });
    return this.#ended;
  }

  /** Starts a worker, and on it a trainer that is ready when this returns. */
  async startWithTrainer(job: string, change: Partial<AgentOptions> = {}) {
    const ending = this.start(change);
    await this.coordinator.take('register');
    const pid = await this.launch(job);
    await this.coordinator.take('trainer-message', ({ message }) => message.type === 'ready');
    return { ending, pid };
  }

  async launch(job: string): Promise<number> {
    await this.coordinator.tell('worker-1', { type: 'launch', launch: launchOf(job) });
    return (await this.coordinator.take('trainer-started')).pid;
  }
}
