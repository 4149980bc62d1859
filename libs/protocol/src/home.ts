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
  /** Unix sockets of rings on this host (mode 0700). */
  readonly sockets: string;
  /** TensorBoard event files, one directory a job. */
  readonly tensorboard: string;
}

/** The home directory: `given`, else `RINGMASTER_HOME`, else `~/.ringmaster`. */
export function ringmasterHome(given?: string): Home {
  const root = resolve(given ?? process.env['RINGMASTER_HOME'] ?? join(homedir(), '.ringmaster'));
  return {
    root,
    coordinator: join(root, 'coordinator.json'),
    token: join(root, 'token'),
    keys: join(root, 'keys'),
    store: join(root, 'store.sqlite'),
    artifacts: join(root, 'artifacts'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    sockets: join(root, 'sockets'),
    tensorboard: join(root, 'tensorboard'),
  };
}
