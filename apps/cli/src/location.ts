import { existsSync, readFileSync } from 'node:fs';
import { ringmasterHome, type Home } from '@ringmaster/base';
import { RingmasterError, type CoordinatorFile } from '@ringmaster/protocol';

/** Where a coordinator is, and what it asks for. Both are looked up anew each time that they are needed. */
export interface Location {
  /** @throws COORDINATOR_UNREACHABLE when none runs there */
  url(): string;
  /** What the API asks for, or null for a cluster that asks for nothing. */
  token(): string | null;
  /** Nobody answers there. */
  unreachable(cause?: unknown): RingmasterError;
}

export interface ClusterOption {
  readonly home?: string;
  readonly coordinator?: string;
}

/** The coordinator that the options of a verb name. @throws USAGE */
export function locate({ home, coordinator }: ClusterOption): Location {
  return coordinator === undefined ? inHome(ringmasterHome(home)) : atUrl(coordinator);
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

/** The coordinator of a home directory, which may be started again at another address. */
export function inHome(home: Home): Location {
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
    token: () =>
      givenToken() ?? (existsSync(home.token) ? readFileSync(home.token, 'utf8').trim() : null),
    unreachable: (cause) => failure({ url: readCoordinator(home)?.url ?? home.root }, cause),
  };
}

/**
 * A coordinator at an address, on another machine perhaps.
 * @throws USAGE for what is no address, and for one that anybody could answer at in its place.
 */
function atUrl(given: string): Location {
  // A host and a port may stand alone, as in `node-1:4000` or `[::1]:4000`.
  const address = /^(\[[\da-fA-F:]+\]|[^/:@]+):\d+$/.test(given) ? `http://${given}` : given;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.host === '') {
    const reason = `--coordinator ${given} is no address such as http://127.0.0.1:4000 or 127.0.0.1:4000`;
    throw new RingmasterError('USAGE', { reason });
  }
  const token = givenToken();
  if (url.protocol === 'http:' && token === null && !isLoopback(url.hostname)) {
    const reason = `--coordinator ${given} is another machine, without a token and without encryption`;
    const remedy = 'Give its token in RINGMASTER_TOKEN, or an address of https.';
    throw new RingmasterError('USAGE', { reason }, { remedy });
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const remedy = 'Check the address, and that a coordinator runs there: ringmaster status there.';
  return {
    url: () => base,
    token: () => token,
    unreachable: (cause) =>
      new RingmasterError('COORDINATOR_UNREACHABLE', { url: base }, { cause, remedy }),
  };
}

function givenToken(): string | null {
  const given = process.env['RINGMASTER_TOKEN'] ?? '';
  return given === '' ? null : given;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
