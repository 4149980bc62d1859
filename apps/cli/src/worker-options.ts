import { BlockList, isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { parsePortRange, PORTS_OF_A_TRAINER, RingmasterError } from '@ringmaster/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { byteSize, duration, someBytes, wholeNumber } from './arguments.js';

/** How workers are started, as every verb that starts some is told: `up`, `worker` and `join`. */
export interface WorkerOptions {
  readonly threads: number;
  readonly slots: number;
  /** `cpu`, `gpu` or `gpu:N`: of the first slot of the first worker. */
  readonly device: string;
  readonly address?: string;
  readonly ringPorts?: string;
  readonly orphanTimeout: string;
  readonly leaveTimeout: string;
  readonly leaveFile?: string;
  readonly cacheLimit?: string;
  readonly memory?: string;
}

/** What workers compute on, as it is written. */
export const DEVICE = /^(cpu|gpu(:\d{1,3})?)$/;

/** The flags of the options, which a worker's program is given them by too. */
const FLAGS: Readonly<Record<keyof WorkerOptions, string>> = {
  threads: '--threads',
  slots: '--slots',
  device: '--device',
  address: '--address',
  ringPorts: '--ring-ports',
  orphanTimeout: '--orphan-timeout',
  leaveTimeout: '--leave-timeout',
  leaveFile: '--leave-file',
  cacheLimit: '--cache-limit',
  memory: '--memory',
};

/**
 * Adds the options of `WorkerOptions` to a verb that starts workers.
 * @param orphanTimeout How long its workers go on without a coordinator where nothing is said.
 */
export function workerOptions(verb: Command, orphanTimeout: string): Command {
  return verb
    .option(
      `${FLAGS.threads} <k>`,
      'TensorFlow threads that a slot of a worker offers',
      wholeNumber(1, 256),
      1,
    )
    .option(
      `${FLAGS.slots} <n>`,
      'trainers that a worker runs at once, one for each slot',
      wholeNumber(1, 256),
      1,
    )
    .option(
      `${FLAGS.device} <device>`,
      'what slots compute on: cpu, or a graphics card each, gpu or gpu:N from the Nth on',
      device,
      'cpu',
    )
    .option(
      `${FLAGS.address} <ip>`,
      'address of this host at which others reach its workers (default: the one from which it reaches the coordinator)',
      address,
    )
    .option(
      `${FLAGS.ringPorts} <a-b>`,
      'ports at which its workers listen for others, four for each of their slots (default: any)',
      portRange,
    )
    .option(
      `${FLAGS.orphanTimeout} <time>`,
      'how long workers go on without a coordinator',
      durationText,
      orphanTimeout,
    )
    .option(
      `${FLAGS.leaveTimeout} <time>`,
      'how long a worker that is asked to leave waits until jobs can do without it',
      durationText,
      '30s',
    )
    .option(`${FLAGS.leaveFile} <file>`, 'leave in order as soon as there is this file', absolute)
    .option(
      `${FLAGS.cacheLimit} <size>`,
      'bytes of fetched models and data that a worker keeps, such as 20GB (default: a tenth of the disk)',
      byteSize,
    )
    .option(
      `${FLAGS.memory} <size>`,
      'bytes that the trainers of a worker may take, such as 16GB (default: the memory of the machine or of its control group, which its workers share)',
      someBytes,
    );
}

/** Options as they are given on a command line; what says nothing is left out. */
export function optionArguments(options: Readonly<Partial<WorkerOptions>>): string[] {
  return (Object.keys(FLAGS) as (keyof WorkerOptions)[]).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [FLAGS[name], String(value)];
  });
}

/**
 * What the program of one worker is given.
 * @param number From 1 on, among the workers of this machine: each takes the cards behind those of the one before.
 */
export function workerArguments(options: WorkerOptions, number: number): string[] {
  const card = cardBehind(options.device, (number - 1) * options.slots);
  return optionArguments({ ...options, ...(card === null ? {} : { device: `gpu:${card}` }) });
}

/** @throws USAGE when there are too few ports for so many workers */
export function checkRingPorts({ ringPorts, slots }: WorkerOptions, workers: number): void {
  if (ringPorts === undefined) return;
  const range = parsePortRange(ringPorts);
  const needed = workers * slots * PORTS_OF_A_TRAINER;
  if (range === null || range.last - range.first + 1 >= needed) return;
  const reason = `${FLAGS.ringPorts} ${ringPorts} are too few: it takes ${needed}, ${PORTS_OF_A_TRAINER} for each slot`;
  throw new RingmasterError('USAGE', { reason });
}

/** The number of the graphics card so many behind the first one that is computed on; null of processors. */
export function cardBehind(device: string, count: number): number | null {
  const [kind, first = '0'] = device.split(':');
  return kind === 'gpu' ? Number(first) + count : null;
}

function device(text: string): string {
  if (DEVICE.test(text)) return text;
  throw new InvalidArgumentError('It is cpu, gpu or gpu:N.');
}

/** An address that an interface of this machine has: at no other could its workers listen. */
function address(text: string): string {
  const [plain = ''] = text.split('%'); // Of one of a link alone, its interface.
  if (isIP(text) === 0) throw new InvalidArgumentError('It is an IP address.');
  const present = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const own = new BlockList();
  own.addSubnet('127.0.0.0', 8);
  for (const { address, family } of present)
    own.addAddress(address, family === 'IPv6' ? 'ipv6' : 'ipv4');
  if (own.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')) return text;
  const addresses = present.map(({ address }) => address).join(', ');
  throw new InvalidArgumentError(`This machine has no such address; it has ${addresses}.`);
}

function portRange(text: string): string {
  if (parsePortRange(text) !== null) return text;
  throw new InvalidArgumentError('It is a range such as 30000-30099.');
}

/** A duration as it was written. */
function durationText(text: string): string {
  duration(text);
  return text;
}

/** Workers run in the directory of their home. */
function absolute(path: string): string {
  return resolve(path);
}
