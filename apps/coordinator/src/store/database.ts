import Database from 'libsql';
import { RingmasterError } from '@ringmaster/protocol';
import { migrations } from './migrations.js';

/** Thrown when another process has the store open. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
}

/** What the write-ahead log is cut to once all of it is in the database. */
const LOG_BYTES = 4 * 1024 * 1024;

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
    // Before anything is written: it is a property of the file.
    database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma('journal_mode = WAL');
    database.pragma(`journal_size_limit = ${LOG_BYTES}`);
    database.pragma('synchronous = FULL');
    migrate(database, path);
    // The first write takes the lock, which is then kept.
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    makeShrinkable(database);
    return withKeptStatements(database);
  } catch (error) {
    database.close();
    throw explain(error, path);
  }
}

/**
 * Has a file that an earlier version made give room back as rows are deleted, which takes one copy of it. Where there is
 * no room for that, rows that are deleted are merely used again.
 */
function makeShrinkable(database: Connection): void {
  const { auto_vacuum: mode } = database.prepare('PRAGMA auto_vacuum').get() as {
    auto_vacuum: number;
  };
  if (mode !== 0) return;
  try {
    database.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_FULL')) throw error;
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
