import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { detection, isHttpPort, isLocation, RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { CertificateFiles } from './home/certificate.js';
import { prepareOn, type PrepareOn } from './preparation/placement.js';

const port = z.coerce.number().int().min(0).max(65_535);

const optionsSchema = z.strictObject({
  home: z.string().optional(),
  host: z.string().default('127.0.0.1'),
  'allowed-host': z.array(z.string()).default([]),
  port: port
    .refine(isHttpPort, 'browsers and fetch open no connection to this port; choose another')
    .optional(),
  'control-port': port.optional(),
  lease: z.coerce.number().int().min(100).max(600_000).default(detection.leaseMs),
  'data-root': z.array(z.string()).optional(),
  'prepare-on': z.enum(prepareOn).default('both'),
  secure: z.boolean().default(false),
  advertise: z.string().optional(),
  'tls-cert': z.string().optional(),
  'tls-key': z.string().optional(),
});

export interface Options {
  /** Home directory; the default of `ringmasterHome` when it is left out. */
  readonly home: string | undefined;
  /** Name or address to listen on. */
  readonly host: string;
  /** Names, beside that and `localhost`, under which requests may be addressed to a coordinator on loopback. */
  readonly allowedHosts: readonly string[];
  /** Directories and URLs that jobs may name data under; null for those of its address: all on loopback, none elsewhere. */
  readonly dataRoots: readonly string[] | null;
  /** Port of the HTTP API; null for the one it had last if that is free, else any. */
  readonly port: number | null;
  /** Port of the control plane, likewise. */
  readonly controlPort: number | null;
  /** Milliseconds after which a silent worker is lost. */
  readonly leaseMs: number;
  /** Where tasks of data preparation may be done. */
  readonly prepareOn: PrepareOn;
  /** Whether to create the API token and CURVE keys if there are none. */
  readonly secure: boolean;
  /** Name or address under which others reach it; null for the one that it listens on. */
  readonly advertise: string | null;
  /** Certificate and key of the API, in PEM; null has it make one where it does not listen on loopback. */
  readonly tls: CertificateFiles | null;
}

/** Reads the command line. @throws USAGE */
export function parseOptions(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        home: { type: 'string' },
        host: { type: 'string' },
        'allowed-host': { type: 'string', multiple: true },
        'data-root': { type: 'string', multiple: true },
        port: { type: 'string' },
        'control-port': { type: 'string' },
        lease: { type: 'string' },
        'prepare-on': { type: 'string' },
        secure: { type: 'boolean' },
        advertise: { type: 'string' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
      },
    });
    const { home, host, secure, lease, advertise, ...others } = optionsSchema.parse(values);
    const { 'tls-cert': cert, 'tls-key': key } = others;
    if ((cert === undefined) !== (key === undefined))
      throw new Error('--tls-cert and --tls-key are given together');
    return {
      home,
      host,
      secure,
      leaseMs: lease,
      prepareOn: others['prepare-on'],
      allowedHosts: others['allowed-host'],
      dataRoots:
        others['data-root']?.map((root) => (isLocation(root) ? root : resolve(root))) ?? null,
      port: others.port ?? null,
      controlPort: others['control-port'] ?? null,
      advertise: advertise ?? null,
      tls:
        cert === undefined || key === undefined ? null : { cert: resolve(cert), key: resolve(key) },
    };
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const message = error instanceof Error ? error.message : String(error);
    const reason = issue === undefined ? message : `--${issue.path.join('.')}: ${issue.message}`;
    throw new RingmasterError('USAGE', { reason });
  }
}
