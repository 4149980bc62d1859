import { randomBytes } from 'node:crypto';
import {
  permits,
  RingmasterError,
  sha256,
  type Need,
  type Scope,
  type TokenView,
} from '@ringmaster/protocol';
import type { AccessTables, StoredToken } from '../store/access.js';

/** The holder of a token, and what the token allows. */
export interface Holder {
  /** Id of the token. */
  readonly id: string;
  readonly scopes: readonly Scope[];
}

/** The token in the home of the cluster: of whoever may read that directory, and never revoked while it lies there. */
const OWNER: Holder = { id: 'owner', scopes: ['admin'] };

/** Id of the token in the home that other machines join with. */
export const JOIN_TOKEN = 'join';

/** A token of 192 random bits, which no hash has to be made slow for. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * The one judge of tokens: of requests to the API and of registrations on the control plane. Tokens are looked up by
 * their SHA-256, so that neither the store nor the time that it takes tells one.
 */
export class Tokens {
  readonly #table: AccessTables;
  /** By hash; null where the cluster asks for none. */
  readonly #holders: Map<string, Holder> | null;

  /** @param owner The token in the home; null for a cluster that asks for none. */
  constructor(table: AccessTables, owner: string | null) {
    this.#table = table;
    if (owner === null) {
      this.#holders = null;
      return;
    }
    const kept = table.tokens().map(({ hash, id, scopes }) => [hash, { id, scopes }] as const);
    this.#holders = new Map<string, Holder>([...kept, [sha256(owner), OWNER]]);
  }

  /** Whether this cluster asks for tokens. */
  get wanted(): boolean {
    return this.#holders !== null;
  }

  /** The holder of a token; null for one that is none, or no longer, and where none are asked for. */
  holder(given: string | null): Holder | null {
    if (given === null) return null;
    return this.#holders?.get(sha256(given)) ?? null;
  }

  /** Why whoever gives this token may not have what asks for `need`; null if they may. */
  refusal(given: string | null, need: Need): RingmasterError | null {
    if (!this.wanted || need === 'nothing') return null;
    const holder = this.holder(given);
    if (holder === null) return new RingmasterError('UNAUTHORIZED', {});
    return permits(holder.scopes, need) ? null : new RingmasterError('SCOPE_MISSING', { need });
  }

  /** All but the one in the home, oldest first. */
  list(): TokenView[] {
    return this.#table.tokens().map(viewOf);
  }

  /**
   * Takes a token in that was made elsewhere, in place of the one that had this id.
   * @returns false for one that was revoked, which it stays
   */
  ensure(token: string, id: string, name: string, scopes: readonly Scope[]): boolean {
    if (this.holder(token) !== null) return true;
    if (this.#table.isRevoked(sha256(token))) return false;
    if (this.#table.tokens().some((each) => each.id === id)) this.revoke(id);
    this.#insert(token, id, name, scopes);
    return true;
  }

  /** Makes a token. It is told now and never again. @throws NOT_SECURE */
  create(id: string, name: string, scopes: readonly Scope[]): TokenView & { token: string } {
    if (!this.wanted) throw new RingmasterError('NOT_SECURE', {});
    const token = newToken();
    return { ...this.#insert(token, id, name, scopes), token };
  }

  /** Takes a token back: it opens nothing any more. @throws TOKEN_NOT_FOUND */
  revoke(id: string): void {
    const stored = this.#table.tokens().find((each) => each.id === id);
    if (stored === undefined) throw new RingmasterError('TOKEN_NOT_FOUND', { id });
    this.#table.removeToken(id);
    this.#holders?.delete(stored.hash);
  }

  #insert(token: string, id: string, name: string, scopes: readonly Scope[]): TokenView {
    const hash = sha256(token);
    const createdAt = new Date().toISOString();
    const stored = { id, name, scopes: [...new Set(scopes)], hash, createdAt };
    this.#table.insertToken(stored);
    this.#holders?.set(hash, stored);
    return viewOf(stored);
  }
}

function viewOf({ id, name, scopes, createdAt }: StoredToken): TokenView {
  return { id, name, scopes, createdAt };
}
