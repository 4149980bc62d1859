import type { ColumnName, DataManifest } from '@ringmaster/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import { encodeShard } from './format.js';
import type { Section, SectionKind, TokenWidth } from './section.js';

/** A shard is closed at the end of the document that reaches this many tokens. */
const SHARD_TOKENS = 4 * 1024 * 1024;

export type SplitEntry = DataManifest['splits']['train'];

/** What a document has in a column: one number of a kind that has one, any number of them of another. */
export interface EncodedColumn {
  readonly values: readonly number[];
  /** Names that it counts for in the manifest; each time it is there. */
  readonly names: readonly string[];
}

/** Columns of the documents of a split, in the order of the manifest. */
export type BuiltColumns = readonly { readonly name: ColumnName; readonly kind: SectionKind }[];

/** Collects the documents of one split into shards, and says at the end what the manifest holds of them. */
export class SplitBuilder {
  readonly #store: BlobStore;
  readonly #columns: readonly ColumnBuilder[];
  readonly #shards: SplitEntry['shards'] = [];
  readonly #ids: string[] = [];
  #characters = 0;
  #tokenTotal = 0;
  /** Of the shard that is open. */
  #documents = 0;

  constructor(store: BlobStore, columns: BuiltColumns, width: TokenWidth) {
    this.#store = store;
    this.#columns = columns.map((column) => new ColumnBuilder(column, width));
  }

  /** @param columns What the document has in each of the columns. */
  async add(id: string, characters: number, columns: readonly EncodedColumn[]): Promise<void> {
    this.#ids.push(id);
    this.#characters += characters;
    this.#documents++;
    for (const [at, column] of this.#columns.entries()) column.add(columns[at] ?? NOTHING);
    if (this.#openTokens() >= SHARD_TOKENS) await this.#close();
  }

  async finish(): Promise<SplitEntry> {
    if (this.#documents > 0) await this.#close();
    const ids = await this.#store.putBytes(Buffer.from(this.#ids.map((id) => `${id}\n`).join('')));
    const counts: SplitEntry['counts'] = {};
    for (const { name, counts: found } of this.#columns)
      if (found.size > 0) counts[name] = Object.fromEntries(found);
    return {
      documents: this.#ids.length,
      tokens: this.#tokenTotal,
      characters: this.#characters,
      counts,
      shards: this.#shards,
      ids: ids.sha256,
    };
  }

  async #close(): Promise<void> {
    const tokens = this.#openTokens();
    const documents = this.#documents;
    const sections = this.#columns.map((column) => column.take());
    const { sha256, bytes } = await this.#store.putBytes(encodeShard({ documents, sections }));
    this.#shards.push({ sha256, bytes, documents, tokens });
    this.#tokenTotal += tokens;
    this.#documents = 0;
  }

  #openTokens(): number {
    return this.#columns.reduce((sum, { tokens }) => sum + tokens, 0);
  }
}

const NOTHING: EncodedColumn = { values: [], names: [] };

/** One column of the shard that is open. */
class ColumnBuilder {
  readonly name: ColumnName;
  readonly counts = new Map<string, number>();
  readonly #kind: SectionKind;
  readonly #width: TokenWidth;
  #values: number[] = [];
  #offsets: number[] = [0];

  constructor({ name, kind }: BuiltColumns[number], width: TokenWidth) {
    this.name = name;
    this.#kind = kind;
    this.#width = width;
  }

  get tokens(): number {
    return this.#kind === 'tokens' ? this.#values.length : 0;
  }

  add({ values, names }: EncodedColumn): void {
    for (const value of values) this.#values.push(value);
    this.#offsets.push(this.#values.length);
    for (const name of names) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** The section of what was added since the last one. */
  take(): Section {
    const { name } = this;
    const kind = this.#kind;
    const values = this.#values;
    const offsets = Uint32Array.from(this.#offsets);
    this.#values = [];
    this.#offsets = [0];
    switch (kind) {
      case 'tokens': {
        const tokens = this.#width === 2 ? Uint16Array.from(values) : Uint32Array.from(values);
        return { name, kind, offsets, values: tokens };
      }
      case 'classes':
      case 'tags':
      case 'spans':
        return { name, kind, offsets, values: Int32Array.from(values) };
      case 'class':
        return { name, kind, values: Int32Array.from(values) };
      case 'value':
        return { name, kind, values: Float64Array.from(values) };
    }
  }
}
