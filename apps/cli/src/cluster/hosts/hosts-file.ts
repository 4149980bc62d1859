import { dirname, resolve } from 'node:path';
import { parsePortRange, readJobFile, RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { readTextFile } from '../../text-file.js';
import { DEVICE } from '../../worker-options.js';

const settings = {
  /** What `ssh` is told to connect to, where that is not `host`. */
  user: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
  port: z.int().min(1).max(65_535).optional(),
  identity: z.string().optional(),
  workers: z.int().min(1).max(256).optional(),
  threads: z.int().min(1).max(256).optional(),
  slots: z.int().min(1).max(256).optional(),
  device: z.string().regex(DEVICE, 'cpu, gpu or gpu:N').optional(),
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
  ringPorts: z
    .string()
    .refine((text) => parsePortRange(text) !== null, 'ports such as 41000-41999')
    .optional(),
  /** Where Ringmaster is installed there, and what it writes; both absolute, or from the home directory there. */
  directory: z.string().optional(),
  home: z.string().optional(),
  /** A command that is there already, so that nothing is installed. */
  command: z.string().optional(),
};

// A name that begins with a dash would be an option of ssh.
const name = z.string().regex(/^[\w[][\w.:@%[\]-]*$/, 'a name or an address');

const hostsSchema = z.strictObject({
  ...settings,
  bundle: z.string().optional(),
  hosts: z.array(z.union([name, z.strictObject({ host: name, ...settings })])),
});

/** A machine that is to compute for the cluster, and how it is reached and set up. */
export interface HostSettings {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
  readonly identity: string | null;
  readonly workers: number;
  readonly threads: number;
  readonly slots: number;
  readonly device: string;
  readonly address: string | null;
  readonly ringPorts: string | null;
  readonly directory: string;
  readonly home: string;
  readonly command: string | null;
}

export interface HostsFile {
  /** Directory that `npm run bundle` has made, for machines that have no Ringmaster, or another. */
  readonly bundle: string | null;
  readonly hosts: readonly HostSettings[];
}

/** Reads a file of hosts. What stands beside `hosts` holds for each that says nothing else. @throws USAGE */
export function readHostsFile(path: string): HostsFile {
  const invalid = (reason: string) =>
    new RingmasterError('USAGE', { reason: `${path}: ${reason}` });
  const text = readTextFile(path, invalid);
  const parsed = hostsSchema.safeParse(readJobFile(text, path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { hosts, bundle, ...shared } = parsed.data;
  const all = hosts.map((given) => {
    const own = { ...shared, ...(typeof given === 'string' ? { host: given } : given) };
    return {
      host: own.host,
      user: own.user ?? null,
      port: own.port ?? null,
      identity: own.identity === undefined ? null : resolve(dirname(path), own.identity),
      workers: own.workers ?? 1,
      threads: own.threads ?? 1,
      slots: own.slots ?? 1,
      device: own.device ?? 'cpu',
      address: own.address ?? null,
      ringPorts: own.ringPorts ?? null,
      directory: own.directory ?? '.local/share/ringmaster',
      home: own.home ?? '.ringmaster-member',
      command: own.command ?? null,
    };
  });
  const names = all.map(({ host, home }) => `${host} ${home}`);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined)
    throw invalid(`hosts: ${twice.split(' ')[0] ?? ''} is named twice with one home`);
  return { bundle: bundle === undefined ? null : resolve(dirname(path), bundle), hosts: all };
}
