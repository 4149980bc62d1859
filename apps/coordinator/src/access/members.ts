import type { AccessTables } from '../store/access.js';

/** The machines that have joined, by their CURVE keys: these and the home's own the control plane lets in. */
export class Members {
  readonly #table: AccessTables;
  #keys: Set<string>;

  constructor(table: AccessTables) {
    this.#table = table;
    this.#keys = new Set(table.members());
  }

  /** Whether any machine has joined. */
  get any(): boolean {
    return this.#keys.size > 0;
  }

  has(publicKey: string): boolean {
    return this.#keys.has(publicKey);
  }

  /** @param token Id of the token that it has joined with. */
  add(publicKey: string, token: string): void {
    this.#table.insertMember(publicKey, token, new Date().toISOString());
    this.#keys.add(publicKey);
  }

  /** Reads anew who is left, after a token was revoked. */
  reload(): void {
    this.#keys = new Set(this.#table.members());
  }
}
