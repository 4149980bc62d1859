import { availableParallelism, hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity, ownMachine } from '@ringmaster/base';
import { taskPlatform } from '@ringmaster/data';
import type { PortRange } from '@ringmaster/protocol';
import type { Device } from '@ringmaster/tensorflow';
import type { Logger } from 'pino';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { Tasks } from '../preparation/tasks.js';
import type { RingPlace } from '../trainer/session/listening.js';
import { Connection, type Ending, type Order } from './connection.js';
import { Deliveries } from './deliveries.js';
import { KeptCheckpoints } from './kept-checkpoints.js';
import type { CurveKeys } from './link.js';
import { memoryOffer } from './memory-offer.js';
import { Trainers } from './trainers.js';

export interface AgentOptions {
  readonly name: string;
  readonly version: string;
  readonly endpoint: () => string | null;
  readonly token: string | null;
  readonly keys: CurveKeys | null;
  /** Kind of the processor. */
  readonly processor: string;
  /** Devices, one for each slot. */
  readonly devices: readonly [Device, ...Device[]];
  readonly threads: number;
  /** Address at which rings listen; null for the one that leads to the coordinator. */
  readonly address: string | null;
  /** Ports at which they do; null for any. */
  readonly ringPorts: PortRange | null;
  readonly orphanTimeoutMs: number;
  /** Whether the coordinator's process can be seen to exist. */
  readonly coordinatorExists: () => boolean;
  /** Directory of fetched artifacts. */
  readonly cache: string;
  /** Bytes that they may take; null for a tenth of the file system. */
  readonly cacheLimit: number | null;
  /** Bytes that trainers may take; null for what the system lets them have. */
  readonly memory: number | null;
  /** Path of the trainer's program. */
  readonly program: string;
  /** Path of the program that does tasks of data preparation. */
  readonly taskProgram: string;
  readonly log: Logger;
  /** Aborted when the worker is asked to leave, as soon as its trainers are replaced. */
  readonly leaving: AbortSignal;
  /** How long that may take before it leaves at once. */
  readonly leaveTimeoutMs: number;
  /** Aborted when the worker has to leave at once. */
  readonly signal: AbortSignal;
  /** Called whenever a coordinator has taken the worker in, with its id. */
  readonly onRegistered: (id: string) => void;
}

/** How long trainers may take to make their state durable when the worker goes although it still has them. */
const SAVE_MS = 5000;
const POLL_MS = 20;

/**
 * Serves a coordinator until it says to stop, refuses, stays away for too long, or the worker is to leave. When the
 * coordinator stays away, trainers make their state durable before they are ended; what the coordinator does not hear
 * of that is told by the next worker of this home.
 */
export async function runAgent(options: AgentOptions): Promise<Ending> {
  const { log, leaving, signal } = options;
  let surroundings: { artifacts: ArtifactsLocation; ring: RingPlace } | null = null;
  const kept = new KeptCheckpoints(options.cache, log);
  const deliveries = new Deliveries({
    kept,
    cache: options.cache,
    register: () => {
      connection.registerAgain();
    },
    log,
  });
  const trainers = new Trainers({
    program: options.program,
    devices: options.devices,
    cache: options.cache,
    cacheLimit: options.cacheLimit,
    send: (message) => {
      connection.send(message);
    },
    onCheckpoint: (checkpoint) => {
      kept.keep(checkpoint);
    },
    onFailed: () => {
      // With nobody to form a new ring, the state in memory may be the newest that there is, and all that is left of it.
      if (!connection.registered) trainers.save();
    },
    log,
  });
  const tasks = new Tasks({
    program: options.taskProgram,
    cache: options.cache,
    send: (message) => {
      connection.send(message);
    },
    log,
  });
  const connection = new Connection({
    endpoint: options.endpoint,
    name: `${options.name}@${Object.values(ownIdentity()).join('.')}`,
    keys: options.keys,
    orphanTimeoutMs: options.orphanTimeoutMs,
    coordinatorExists: options.coordinatorExists,
    registration: () => ({
      type: 'register',
      version: options.version,
      token: options.token,
      host: hostname(),
      machine: ownMachine(),
      ...ownIdentity(),
      slots: options.devices.length,
      threads: options.threads,
      device: options.devices[0].kind,
      processor: options.processor,
      // Most of what trainers take lies on their cards, of which a job's needs know nothing.
      memory:
        options.devices[0].kind === 'gpu' && options.memory === null
          ? null
          : memoryOffer(options.memory),
      tasks: { processors: availableParallelism(), platform: taskPlatform() },
      trainers: trainers.held(),
      checkpoints: deliveries.list(),
    }),
    onRegistered: (registered, control) => {
      log.info({ id: registered.worker }, 'registered');
      const artifacts = { ...registered.artifacts, token: options.token };
      surroundings = {
        artifacts,
        ring: { control, address: options.address, ports: options.ringPorts },
      };
      // The coordinator takes them for ended, too.
      tasks.withdrawAll();
      trainers.leaseMs = registered.leaseMs;
      deliveries.registered(artifacts);
      trainers.warm();
      if (leaving.aborted) connection.send({ type: 'leaving' });
      options.onRegistered(registered.worker);
    },
    onOrder: (order) => {
      obey(order);
    },
    onArrived: (message) => {
      if (message.type === 'trainer-message' && message.message.type === 'checkpointed')
        deliveries.heard(message.message.manifest);
    },
    onOrphanhoodNear: () => {
      trainers.save();
    },
    log,
  });

  /** Has trainers make durable what nobody else may hold; waits for them, but not for long. */
  const save = async () => {
    const deadline = performance.now() + SAVE_MS;
    trainers.save();
    while (trainers.saving && !signal.aborted && performance.now() < deadline) await sleep(POLL_MS);
  };

  const leaveAtOnce = async () => {
    await Promise.all([trainers.endAll(), tasks.end()]);
    await connection.leave();
  };

  const leaveInOrder = async () => {
    const deadline = performance.now() + options.leaveTimeoutMs;
    if (connection.registered) connection.send({ type: 'leaving' });
    await tasks.end();
    while (
      trainers.held().length > 0 &&
      connection.accompanied &&
      !signal.aborted &&
      performance.now() < deadline
    )
      await sleep(POLL_MS);
    if (!signal.aborted) await save();
    await leaveAtOnce();
  };

  const obey = (order: Order) => {
    switch (order.type) {
      case 'launch':
        if (surroundings !== null)
          trainers.launch(order.launch, surroundings.artifacts, surroundings.ring);
        break;
      case 'trainer-command':
        trainers.command(order.trainer, order.command);
        break;
      case 'end-trainer':
        void trainers.end(order.trainer);
        break;
      case 'lend-task':
        if (surroundings !== null && !leaving.aborted)
          tasks.begin(order.lease, surroundings.artifacts);
        break;
      case 'withdraw-task':
        tasks.withdraw(order.lease);
        break;
      case 'shutdown':
        log.info('the cluster is going down');
        void leaveAtOnce();
        break;
    }
  };

  const whenAborted = (abort: AbortSignal, leave: () => Promise<void>) => {
    if (abort.aborted) void leave();
    else abort.addEventListener('abort', () => void leave(), { once: true });
  };
  whenAborted(signal, leaveAtOnce);
  whenAborted(leaving, leaveInOrder);
  const ending = await connection.ended;
  const deadline = performance.now() + SAVE_MS;
  while (ending.reason === 'orphaned' && trainers.saving && performance.now() < deadline)
    await sleep(POLL_MS);
  await Promise.all([trainers.endAll(), tasks.end()]);
  return ending;
}
