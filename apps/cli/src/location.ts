import { existsSync, readFileSync } from 'node:fs';
import { ringmasterHome, type Home } from '@ringmaster/base';
import { readMembership, readToken } from '@ringmaster/base/home-files';
import {
  isJoinString,
  parseJoinString,
  RingmasterError,
  type CoordinatorFile,
  type Entrance,
} from '@ringmaster/protocol';

/** Where a coordinator is, and what it asks for. Both are looked up anew each time that they are needed. */
export interface Location {
  /** @throws COORDINATOR_UNREACHABLE when none runs there */
  url(): string;
  /** What the API asks for, or null for a cluster that asks for nothing. */
  token(): string | null;
  /** SHA-256 of the certificate there; null where an authority vouches for it, or there is none. */
  fingerprint(): string | null;
  /** Nobody answers there. */
  unreachable(cause?: unknown): RingmasterError;
}

export interface ClusterOption {
  readonly home?: string;
  readonly url?: string;
  readonly token?: string;
  readonly fingerprint?: string;
}

/** The coordinator that the options of a verb name. @throws USAGE, JOIN_STRING_INVALID */
export function locate({ home: directory, url, ...given }: ClusterOption): Location {
  const token = given.token ?? givenToken();
  if (url === undefined) {
    const home = ringmasterHome(directory);
    const membership = readCoordinator(home) === null ? readMembership(home) : null;
    return membership === null ? inHome(home, token) : invited(membership, token);
  }
  return invited(entranceAt(url, token, given.fingerprint), token);
}

/**
 * The entrance that a join string tells of, or an address with a token and a fingerprint.
 * @throws USAGE, JOIN_STRING_INVALID
 */
export function entranceAt(
  given: string,
  token: string | null = givenToken(),
  fingerprint?: string,
): Entrance {
  if (isJoinString(given)) return parseJoinString(given);
  const pin = fingerprint === undefined ? null : readFingerprint(fingerprint);
  return { url: atUrl(given, token, pin).url(), token, fingerprint: pin, serverKey: null };
}

/**
 * The coordinator behind an entrance.
 * @param other Token in place of the one that belongs to the entrance.
 */
export function invited(
  { url, token, fingerprint }: Omit<Entrance, 'serverKey'>,
  other: string | null = null,
): Location {
  return atUrl(url, other ?? token, fingerprint);
}

/** As it is told by us, or by others in capitals with colons. @throws USAGE */
function readFingerprint(given: string): string {
  const text = given.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const reason = `--fingerprint takes the 64 hexadecimal digits of a SHA-256, not '${given}'`;
  throw new RingmasterError('USAGE', { reason });
}

/** The coordinator that the home directory names now, or null. */
export function readCoordinator(home: Home): CoordinatorFile | null {
  if (!existsSync(home.coordinator)) return null;
  try {
    const file = JSON.parse(readFileSync(home.coordinator, 'utf8')) as Partial<CoordinatorFile>;
    // Written by a coordinator, and replaced as a whole: what it holds at all it holds as it should.
    return file.url === undefined || file.pid === undefined ? null : (file as CoordinatorFile);
  } catch {
    return null; // It is being replaced at this moment, or its coordinator has just gone.
  }
}

/**
 * The coordinator of a home directory, which may be started again at another address.
 * @param token Given in place of the one that lies there.
 */
export function inHome(home: Home, token: string | null = givenToken()): Location {
  const failure = (where: { url: string } | { home: string }, cause?: unknown) => {
    const option = home.root === ringmasterHome().root ? '' : ` --home ${home.root}`;
    const remedy = `Start one with: ringmaster up${option}`;
    return new RingmasterError('COORDINATOR_UNREACHABLE', where, { cause, remedy });
  };
  return {
    url: () => {
      const file = readCoordinator(home);
      if (file === null) throw failure({ home: home.root });
      return file.url;
    },
    token: () => token ?? readToken(home),
    fingerprint: () => readCoordinator(home)?.fingerprint ?? null,
    unreachable: (cause) => failure({ url: readCoordinator(home)?.url ?? home.root }, cause),
  };
}

/**
 * A coordinator at an address, on another machine perhaps.
 * @throws USAGE for what is no address, and for one that anybody could answer at in its place.
 */
function atUrl(given: string, token: string | null, fingerprint: string | null): Location {
  // A host and a port may stand alone, as in `node-1:4000` or `[::1]:4000`.
  const address = /^(\[[\da-fA-F:]+\]|[^/:@]+):\d+$/.test(given) ? `http://${given}` : given;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.host === '') {
    const reason = `--url ${given} is no address such as http://127.0.0.1:4000 or 127.0.0.1:4000`;
    throw new RingmasterError('USAGE', { reason });
  }
  if (url.protocol === 'http:' && token === null && !isLoopback(url.hostname)) {
    const reason = `--url ${given} is another machine, without a token and without encryption`;
    const remedy = 'Give its token in RINGMASTER_TOKEN, or an address of https.';
    throw new RingmasterError('USAGE', { reason }, { remedy });
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const remedy = 'Check the address, and that a coordinator runs there: ringmaster status there.';
  return {
    url: () => base,
    token: () => token,
    fingerprint: () => fingerprint,
    unreachable: (cause) =>
      new RingmasterError('COORDINATOR_UNREACHABLE', { url: base }, { cause, remedy }),
  };
}

/** @throws USAGE */
function givenToken(): string | null {
  const given = (process.env['RINGMASTER_TOKEN'] ?? '').trim();
  if (/^[\x21-\x7e]*$/.test(given)) return given === '' ? null : given;
  throw new RingmasterError('USAGE', { reason: 'RINGMASTER_TOKEN is no token of a cluster' });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
