import Database from 'libsql';
import { RingmasterError } from '@ringmaster/protocol';
import { migrations } from './migrations.js';

/** Thrown when another process has the store open. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
}

export type Connection = InstanceType<typeof Database>;

/**
 * Opens the store and locks it for this process: the kernel gives the lock back however the process ends, which makes
 * it the proof that one coordinator runs in a home directory. What a commit has acknowledged survives a power cut
 * (WAL with `synchronous=FULL`).
 * @throws StoreLocked when another process holds it; STORE_UNUSABLE when the file is damaged or of a later version;
 * DISK_FULL.
 */
export function openDatabase(path: string): Connection {
  const database = connect(path);
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    migrate(database, path);
    // The first write takes the lock, which is then kept.
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    return withKeptStatements(database);
  } catch (error) {
    database.close();
    throw explain(error, path);
  }
}

/** Every statement is compiled once: there are some dozens, and each report of a worker runs several. */
function withKeptStatements(database: Connection): Connection {
  const prepare = database.prepare.bind(database);
  const statements = new Map<string, ReturnType<typeof prepare>>();
  const kept = (source: string) => {
    let statement = statements.get(source);
    if (statement === undefined) statements.set(source, (statement = prepare(source)));
    return statement;
  };
  database.prepare = kept as typeof prepare;
  return database;
}

function connect(path: string): Connection {
  try {
    return new Database(path);
  } catch (error) {
    throw explain(error, path);
  }
}

function migrate(database: Connection, path: string): void {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const { user_version: version } = row;
  if (version > migrations.length) {
    const reason = `it was written by a later version of Ringmaster (schema ${version})`;
    throw new RingmasterError('STORE_UNUSABLE', { path, reason });
  }
  migrations.slice(version).forEach((sql, index) => {
    database.transaction(() => {
      database.exec(sql);
      database.exec(`PRAGMA user_version = ${version + index + 1}`);
    })();
  });
}

/**
 * Puts the log into the database file and lets go of the lock. Closing alone is not enough: statements that were not
 * collected yet hold on to both.
 */
export function closeDatabase(database: Connection): void {
  try {
    database.pragma('journal_mode = DELETE');
    database.pragma('locking_mode = NORMAL');
    database.prepare('SELECT count(*) FROM settings').get();
  } finally {
    database.close();
  }
}

/** What a failure of SQLite means to whom it happens. */
export function explain(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return new StoreLocked();
  if (code.startsWith('SQLITE_FULL')) return new RingmasterError('DISK_FULL', { path });
  if (code.startsWith('SQLITE_')) {
    return new RingmasterError('STORE_UNUSABLE', { path, reason: error.message }, { cause: error });
  }
  return error;
}
