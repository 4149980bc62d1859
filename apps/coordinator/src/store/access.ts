import { tokenViewSchema, type TokenView } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Connection } from './database.js';
import { json } from './rows.js';

/** Most members that are remembered: containers join with a new key at every start. */
const MOST_MEMBERS = 10_000;

/** A token as it is stored: never itself, only its SHA-256. */
export interface StoredToken extends TokenView {
  /** Hex. */
  readonly hash: string;
}

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: json(tokenViewSchema.shape.scopes),
    hash: z.string(),
    created_at: z.string(),
  })
  .transform(({ created_at: createdAt, ...row }) => ({ ...row, createdAt }));

const memberSchema = z.object({ public_key: z.string() });

/** The tables of who may do what: tokens, and the keys of machines that have joined with them. */
export class AccessTables {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** Oldest first. */
  tokens(): StoredToken[] {
    return this.#database
      .prepare('SELECT * FROM tokens ORDER BY created_at, id')
      .all()
      .map((row) => tokenSchema.parse(row));
  }

  insertToken({ id, name, scopes, hash, createdAt }: StoredToken): void {
    this.#database
      .prepare('INSERT INTO tokens (id, name, scopes, hash, created_at) VALUES (?, ?, ?, ?, ?)')
      .run(id, name, JSON.stringify(scopes), hash, createdAt);
  }

  /** Whether there was a token with this hash that has been removed: it may lie in a file still. */
  isRevoked(hash: string): boolean {
    return (
      this.#database.prepare('SELECT 1 FROM revoked_tokens WHERE hash = ?').get(hash) !== undefined
    );
  }

  /** Removes a token for good, and with it every member that has joined with it. */
  removeToken(id: string): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO revoked_tokens SELECT hash FROM tokens WHERE id = ?')
      .run(id);
    this.#database.prepare('DELETE FROM members WHERE token = ?').run(id);
    this.#database.prepare('DELETE FROM tokens WHERE id = ?').run(id);
  }

  /** Public keys of all members. */
  members(): string[] {
    return this.#database
      .prepare('SELECT public_key FROM members')
      .all()
      .map((row) => memberSchema.parse(row).public_key);
  }

  /** Remembers a member; of too many the longest unheard are forgotten. */
  insertMember(publicKey: string, token: string, joinedAt: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO members (public_key, token, joined_at) VALUES (?, ?, ?)')
      .run(publicKey, token, joinedAt);
    this.#database
      .prepare(
        `DELETE FROM members WHERE public_key IN (
           SELECT public_key FROM members ORDER BY joined_at DESC LIMIT -1 OFFSET ?)`,
      )
      .run(MOST_MEMBERS);
  }
}
