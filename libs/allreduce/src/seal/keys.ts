import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { KEY_BYTES, Seal } from './seal.js';

/** What one key is for: the frames from a rank to the one after it, or what a donor and another rank say to each other. */
export type Purpose = 'ring' | 'request' | 'reply';

/** The owner of the keys: one rank of one generation of one run. */
export interface Holder {
  readonly run: string;
  readonly generation: number;
  readonly rank: number;
}

/**
 * The key pair of one rank in one generation (X25519, RFC 7748). It is made when the rank begins to listen and is gone with
 * the ring, so what was recorded stays sealed whatever is stolen later, and nothing of another generation opens.
 */
export class RankKeys {
  /** base64url; told to the other ranks over the control plane, which is what makes it believed. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    this.publicKey = publicKey.export({ format: 'jwk' }).x ?? '';
    this.#privateKey = privateKey;
  }

  /**
   * What is sealed with each other rank.
   * @param publicKeys of all ranks, by rank
   */
  sealsWith(holder: Holder, publicKeys: readonly string[]): Seals {
    return new Seals(holder, publicKeys, (publicKey) =>
      diffieHellman({
        privateKey: this.#privateKey,
        publicKey: createPublicKey({
          key: { kty: 'OKP', crv: 'X25519', x: publicKey },
          format: 'jwk',
        }),
      }),
    );
  }
}

/** The keys that a rank shares with each other rank of its generation: one for each direction and purpose. */
export class Seals {
  readonly #holder: Holder;
  readonly #publicKeys: readonly string[];
  readonly #agree: (publicKey: string) => Uint8Array;
  readonly #known = new Map<string, Seal>();

  constructor(
    holder: Holder,
    publicKeys: readonly string[],
    agree: (publicKey: string) => Uint8Array,
  ) {
    this.#holder = holder;
    this.#publicKeys = publicKeys;
    this.#agree = agree;
  }

  /** For what this rank sends to another. */
  to(rank: number, purpose: Purpose): Seal {
    return this.#seal(this.#holder.rank, rank, rank, purpose);
  }

  /** For what another sends to this rank. */
  from(rank: number, purpose: Purpose): Seal {
    return this.#seal(rank, this.#holder.rank, rank, purpose);
  }

  #seal(from: number, to: number, other: number, purpose: Purpose): Seal {
    const { run, generation } = this.#holder;
    const keys = [this.#publicKeys[from], this.#publicKeys[to]];
    const context = JSON.stringify(['ringmaster', purpose, run, generation, from, to, ...keys]);
    const known = this.#known.get(context);
    if (known !== undefined) return known;
    const secret = this.#agree(this.#publicKeys[other] ?? '');
    const seal = new Seal(new Uint8Array(hkdfSync('sha256', secret, '', context, KEY_BYTES)));
    this.#known.set(context, seal);
    return seal;
  }
}
