import { z } from 'zod';
import { AccessTables } from './access.js';
import { CheckpointTable } from './checkpoints.js';
import { closeDatabase, explain, openDatabase, type Connection } from './database.js';
import { HistoryTable } from './history.js';
import { IncidentTable } from './incidents.js';
import { JobTable } from './jobs.js';
import { ModelTable } from './models.js';
import { Needs } from './needs.js';
import { RemovalTable } from './removals.js';

/** Everything that a coordinator remembers. Once a method returns, what it wrote is durable. */
export class Store {
  readonly jobs: JobTable;
  readonly history: HistoryTable;
  readonly checkpoints: CheckpointTable;
  readonly models: ModelTable;
  readonly incidents: IncidentTable;
  readonly removals: RemovalTable;
  readonly access: AccessTables;
  readonly needs: Needs;
  readonly #database: Connection;
  readonly #path: string;

  /** @throws see `openDatabase` */
  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase(path);
    this.jobs = new JobTable(this.#database);
    this.history = new HistoryTable(this.#database);
    this.checkpoints = new CheckpointTable(this.#database);
    this.models = new ModelTable(this.#database);
    this.incidents = new IncidentTable(this.#database);
    this.removals = new RemovalTable(this.#database);
    this.access = new AccessTables(this.#database);
    this.needs = new Needs(this.#database);
  }

  /**
   * Runs `work` in a transaction: all of it becomes durable, or nothing.
   * @throws DISK_FULL, and whatever `work` throws.
   */
  transaction<Result>(work: () => Result): Result {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has rolled back already.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw explain(error, this.#path);
    }
  }

  setting(key: string): string | null {
    const row = this.#database.prepare('SELECT value FROM settings WHERE key = ?').get(key);
    return row === undefined ? null : z.object({ value: z.string() }).parse(row).value;
  }

  setSetting(key: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)').run(key, value);
  }

  /**
   * Gives room that deleted rows have left back to the file system, up to so many pages at a time, and what the log has
   * grown to beyond need.
   * @returns Whether pages are left.
   */
  shrink(pages: number): boolean {
    this.#database.pragma(`incremental_vacuum(${pages})`);
    const row = this.#database.prepare('PRAGMA freelist_count').get();
    if (z.object({ freelist_count: z.int() }).parse(row).freelist_count > 0) return true;
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    return false;
  }

  /** Closes the store and gives its lock back. */
  close(): void {
    closeDatabase(this.#database);
  }
}
