import type { DataManifest } from '@ringmaster/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import { encodeShard, type TokenWidth } from './format.js';

/** A shard is closed at the end of the document that reaches this many tokens. */
const SHARD_TOKENS = 4 * 1024 * 1024;

export type SplitEntry = DataManifest['splits']['train'];

/** Collects the documents of one split into shards, and says at the end what the manifest holds of them. */
export class SplitBuilder {
  readonly #store: BlobStore;
  readonly #width: TokenWidth;
  readonly #shards: SplitEntry['shards'] = [];
  readonly #ids: string[] = [];
  readonly #labelCounts = new Map<string, number>();
  #characters = 0;
  #tokenTotal = 0;
  #tokens: number[] = [];
  #offsets: number[] = [0];
  #labels: number[] = [];

  constructor(store: BlobStore, width: TokenWidth) {
    this.#store = store;
    this.#width = width;
  }

  /** @param label Name and id of the document's label, or null. */
  async add(
    id: string,
    characters: number,
    tokens: readonly number[],
    label: { readonly name: string; readonly id: number } | null,
  ): Promise<void> {
    this.#ids.push(id);
    this.#characters += characters;
    this.#tokenTotal += tokens.length;
    for (const token of tokens) this.#tokens.push(token);
    this.#offsets.push(this.#tokens.length);
    this.#labels.push(label?.id ?? -1);
    if (label !== null)
      this.#labelCounts.set(label.name, (this.#labelCounts.get(label.name) ?? 0) + 1);
    if (this.#tokens.length >= SHARD_TOKENS) await this.#close();
  }

  async finish(): Promise<SplitEntry> {
    if (this.#labels.length > 0) await this.#close();
    const ids = await this.#store.putBytes(Buffer.from(this.#ids.map((id) => `${id}\n`).join('')));
    return {
      documents: this.#ids.length,
      tokens: this.#tokenTotal,
      characters: this.#characters,
      labels: Object.fromEntries(this.#labelCounts),
      shards: this.#shards,
      ids: ids.sha256,
    };
  }

  async #close(): Promise<void> {
    const tokens =
      this.#width === 2 ? Uint16Array.from(this.#tokens) : Uint32Array.from(this.#tokens);
    const content = encodeShard({
      tokens,
      offsets: Uint32Array.from(this.#offsets),
      labels: Int32Array.from(this.#labels),
    });
    const { sha256, bytes } = await this.#store.putBytes(content);
    const documents = this.#labels.length;
    this.#shards.push({ sha256, bytes, documents, tokens: tokens.length });
    this.#tokens = [];
    this.#offsets = [0];
    this.#labels = [];
  }
}
