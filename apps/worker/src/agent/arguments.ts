import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { ringmasterHome, type Home } from '@ringmaster/base';
import {
  parseByteSize,
  parseDuration,
  parsePortRange,
  PORTS_OF_A_TRAINER,
  RingmasterError,
  type PortRange,
} from '@ringmaster/protocol';
import type { Device } from '@ringmaster/tensorflow';

/** What `main.js` of the worker is told on its command line. */
export interface WorkerArguments {
  readonly home: Home;
  readonly name: string;
  /** Whether its cluster is the one that the home has joined, and not one that runs there. */
  readonly joined: boolean;
  /** Devices, one for each slot. */
  readonly devices: readonly [Device, ...Device[]];
  readonly threads: number;
  readonly orphanTimeoutMs: number;
  readonly leaveTimeoutMs: number;
  /** Bytes that fetched artifacts may take; null for a tenth of the file system. */
  readonly cacheLimit: number | null;
  /** Bytes that trainers may take; null for what the system lets them have. */
  readonly memory: number | null;
  /** Address by which trainers of other hosts reach those of this one; null for the one that leads to the coordinator. */
  readonly address: string | null;
  /** Ports that trainers listen on for those of other hosts; null for any. */
  readonly ringPorts: PortRange | null;
  /** The worker leaves in order once this file exists; null to look for none. */
  readonly leaveFile: string | null;
}

/** @throws USAGE naming what is wrong. */
export function workerArguments(given: readonly string[]): WorkerArguments {
  const values = read(given);
  const slots = positive('--slots', values.slots);
  const first = device(values.device);
  const rest = Array.from({ length: slots - 1 }, (_, index) => nthDevice(first, index + 1));
  if (values.name === undefined) throw usage('--name NAME is missing');
  return {
    home: ringmasterHome(values.home),
    name: values.name,
    joined: values.joined,
    devices: [first, ...rest],
    threads: positive('--threads', values.threads),
    orphanTimeoutMs: duration('--orphan-timeout', values['orphan-timeout']),
    leaveTimeoutMs: duration('--leave-timeout', values['leave-timeout']),
    cacheLimit: size('--cache-limit', values['cache-limit']),
    memory: memory(values.memory),
    address: address(values.address),
    ringPorts: ports(values['ring-ports'], slots),
    leaveFile: values['leave-file'] ?? null,
  };
}

function read(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        home: { type: 'string' },
        name: { type: 'string' },
        joined: { type: 'boolean', default: false },
        slots: { type: 'string', default: '1' },
        threads: { type: 'string', default: '1' },
        device: { type: 'string', default: 'cpu' },
        'orphan-timeout': { type: 'string', default: '10s' },
        'leave-timeout': { type: 'string', default: '30s' },
        'cache-limit': { type: 'string' },
        memory: { type: 'string' },
        address: { type: 'string' },
        'ring-ports': { type: 'string' },
        'leave-file': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(reason: string): RingmasterError {
  return new RingmasterError('USAGE', { reason });
}

function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw usage(`${option} takes a positive whole number, not '${text}'`);
  }
  return Number(text);
}

function duration(option: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === null) {
    throw usage(`${option} takes a duration such as 10s or 5m, not '${text}'`);
  }
  return milliseconds;
}

function size(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const bytes = parseByteSize(text);
  if (bytes === null) throw usage(`${option} takes a size such as 20GB, not '${text}'`);
  return bytes;
}

function memory(text: string | undefined): number | null {
  const bytes = size('--memory', text);
  if (bytes === 0) throw usage('--memory takes a size above 0');
  return bytes;
}

function address(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (isIP(text) === 0) throw usage(`--address takes an IP address of this machine, not '${text}'`);
  return text;
}

function ports(text: string | undefined, slots: number): PortRange | null {
  if (text === undefined) return null;
  const range = parsePortRange(text);
  if (range === null) throw usage(`--ring-ports takes ports such as 41000-41999, not '${text}'`);
  const needed = slots * PORTS_OF_A_TRAINER;
  if (range.last - range.first + 1 < needed)
    throw usage(`--ring-ports ${text} are too few: it takes ${needed} for ${slots} slots`);
  return range;
}

/** `cpu`, `gpu` (the first) or `gpu:N`. */
function device(text: string): Device {
  if (text === 'cpu') return { kind: 'cpu' };
  const match = /^gpu(?::(\d{1,3}))?$/.exec(text);
  if (match === null) throw usage(`--device takes cpu, gpu or gpu:N, not '${text}'`);
  return { kind: 'gpu', index: Number(match[1] ?? 0) };
}

function nthDevice(first: Device, slot: number): Device {
  return first.kind === 'cpu' ? first : { kind: 'gpu', index: first.index + slot };
}
