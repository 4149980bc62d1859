import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The paths of everything that a cluster writes: all under one directory. */
export interface Home {
  readonly root: string;
  /** How the coordinator is found: url, control endpoint, pid, cluster id (JSON; exists while it runs). */
  readonly coordinator: string;
  /** API token (mode 0600). */
  readonly token: string;
  /** CURVE keys, and the token that others join with (directory, mode 0700). */
  readonly keys: string;
  /** Certificate and key of the API (directory, mode 0700). */
  readonly tls: string;
  /** What other machines join with: the argument of `ringmaster join` (mode 0600). */
  readonly join: string;
  /** Of a machine that has joined a cluster elsewhere: which, and its keys (JSON, mode 0600). */
  readonly membership: string;
  /** SQLite database of the coordinator. */
  readonly store: string;
  /** Content-addressed blobs. */
  readonly artifacts: string;
  /** What data preparation remembers: request key → manifest. */
  readonly data: string;
  /** Log files: coordinator.log, worker-N.log, jobs/ID.log. */
  readonly logs: string;
  /** What `ringmaster up` has started: names and process ids (JSON). */
  readonly processes: string;
  /** Blobs that workers have fetched from a coordinator on another host. */
  readonly cache: string;
}

/** The home directory: `given`, else `RINGMASTER_HOME`, else `~/.ringmaster`. An empty name counts as none. */
export function ringmasterHome(given?: string): Home {
  const named = [given, process.env['RINGMASTER_HOME']].find((name) => (name ?? '') !== '');
  const root = resolve(named ?? join(homedir(), '.ringmaster'));
  return {
    root,
    coordinator: join(root, 'coordinator.json'),
    token: join(root, 'token'),
    keys: join(root, 'keys'),
    tls: join(root, 'tls'),
    join: join(root, 'join'),
    membership: join(root, 'membership.json'),
    store: join(root, 'store.sqlite'),
    artifacts: join(root, 'artifacts'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    processes: join(root, 'processes.json'),
    cache: join(root, 'cache'),
  };
}
