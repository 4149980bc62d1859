import { hostname } from 'node:os';
import type { Device } from '@ringmaster/model';
import type { Logger } from 'pino';
import type { ArtifactsLocation } from '../artifacts/artifacts.js';
import { Connection, type Ending, type Order } from './connection.js';
import type { CurveKeys } from './link.js';
import { Trainers } from './trainers.js';

export interface AgentOptions {
  readonly name: string;
  readonly version: string;
  readonly endpoint: () => string | null;
  readonly token: string | null;
  readonly keys: CurveKeys | null;
  /** Devices, one for each slot. */
  readonly devices: readonly [Device, ...Device[]];
  readonly threads: number;
  readonly orphanTimeoutMs: number;
  /** Directory of fetched artifacts. */
  readonly cache: string;
  /** Path of the trainer's program. */
  readonly program: string;
  readonly log: Logger;
  /** Aborted when the worker has to leave. */
  readonly signal: AbortSignal;
}

/** Serves a coordinator until it says to stop, refuses, stays away for too long, or `signal` aborts. */
export async function runAgent(options: AgentOptions): Promise<Ending> {
  const { log, signal } = options;
  let artifacts: ArtifactsLocation | null = null;
  const trainers = new Trainers({
    program: options.program,
    devices: options.devices,
    cache: options.cache,
    send: (message) => {
      connection.send(message);
    },
    log,
  });
  const connection = new Connection({
    endpoint: options.endpoint,
    routingId: `${options.name}@${hostname()}:${process.pid}`,
    keys: options.keys,
    orphanTimeoutMs: options.orphanTimeoutMs,
    registration: () => ({
      type: 'register',
      version: options.version,
      token: options.token,
      host: hostname(),
      pid: process.pid,
      slots: options.devices.length,
      threads: options.threads,
      device: options.devices[0].kind,
      trainers: trainers.held(),
      checkpoints: [],
    }),
    onRegistered: (registered) => {
      log.info({ id: registered.worker }, 'registered');
      artifacts = { ...registered.artifacts, token: options.token };
    },
    onOrder: (order) => {
      obey(order);
    },
    log,
  });

  const leave = async () => {
    await trainers.bury();
    await connection.leave();
  };

  const obey = (order: Order) => {
    switch (order.type) {
      case 'launch':
        if (artifacts !== null) trainers.launch(order.launch, artifacts);
        break;
      case 'trainer-command':
        trainers.command(order.trainer, order.command);
        break;
      case 'end-trainer':
        void trainers.end(order.trainer);
        break;
      case 'shutdown':
        log.info('the cluster is going down');
        void leave();
        break;
    }
  };

  if (signal.aborted) await leave();
  signal.addEventListener('abort', () => void leave(), { once: true });
  const ending = await connection.ended;
  await trainers.bury();
  return ending;
}
