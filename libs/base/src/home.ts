import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The paths of everything that a cluster writes: all under one directory. */
export interface Home {
  readonly root: string;
  /** Who the coordinator is: url, control endpoint, pid, cluster id (JSON; exists while it runs). */
  readonly coordinator: string;
  /** API token (mode 0600). */
  readonly token: string;
  /** CURVE keys (directory, mode 0700). */
  readonly keys: string;
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
    store: join(root, 'store.sqlite'),
    artifacts: join(root, 'artifacts'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    processes: join(root, 'processes.json'),
    cache: join(root, 'cache'),
  };
}
