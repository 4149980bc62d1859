import { closeSync, openSync, writeSync } from 'node:fs';
import type { ColumnName, DataColumn, DataManifest } from '@ringmaster/protocol';
import type { BlobStore } from '../blobs/blob-store.js';
import { Growing } from '../parts/growing.js';
import { encodeShard } from './format.js';
import type { Section, SectionKind, TokenWidth } from './section.js';

/** A shard is closed at the end of the document that reaches this many tokens. */
const SHARD_TOKENS = 4 * 1024 * 1024;
/** Characters of ids that are written at once. */
const ID_BLOCK = 65_536;

export type SplitEntry = DataManifest['splits']['train'];

/** Documents in shards, and the file of their ids. */
export interface FinishedSplit extends Omit<SplitEntry, 'ids'> {
  readonly idFile: string;
}

/** Collects the documents of one split into shards, and says at the end what the manifest holds of them. */
export class SplitBuilder {
  readonly #store: BlobStore;
  readonly #columns: readonly ColumnBuilder[];
  readonly #shards: SplitEntry['shards'] = [];
  readonly #ids: IdFile;
  #documents = 0;
  #characters = 0;
  #tokens = 0;
  /** Of the shard that is open. */
  #open = 0;

  /** @param idFile Where ids are collected. */
  constructor(store: BlobStore, columns: readonly DataColumn[], width: TokenWidth, idFile: string) {
    this.#store = store;
    this.#columns = columns.map((column) => new ColumnBuilder(column, width));
    this.#ids = new IdFile(idFile);
  }

  /** @param columns What the document has in each of the columns, in the order of the manifest. */
  async add(id: string, characters: number, columns: readonly ArrayLike<number>[]): Promise<void> {
    this.#ids.add(id);
    this.#characters += characters;
    this.#documents++;
    this.#open++;
    for (const [at, column] of this.#columns.entries()) column.add(columns[at] ?? []);
    if (this.#openTokens() >= SHARD_TOKENS) await this.#close();
  }

  async finish(): Promise<FinishedSplit> {
    if (this.#open > 0) await this.#close();
    const counts: SplitEntry['counts'] = {};
    for (const column of this.#columns) {
      const found = column.counts();
      if (found !== null) counts[column.name] = found;
    }
    return {
      documents: this.#documents,
      tokens: this.#tokens,
      characters: this.#characters,
      counts,
      shards: this.#shards,
      idFile: this.#ids.finish(),
    };
  }

  async #close(): Promise<void> {
    const tokens = this.#openTokens();
    const documents = this.#open;
    const sections = this.#columns.map((column) => column.take());
    const { sha256, bytes } = await this.#store.putBytes(encodeShard({ documents, sections }));
    this.#shards.push({ sha256, bytes, documents, tokens });
    this.#tokens += tokens;
    this.#open = 0;
  }

  #openTokens(): number {
    return this.#columns.reduce((sum, { tokens }) => sum + tokens, 0);
  }
}

/** A file of ids, one a line. */
class IdFile {
  readonly #path: string;
  readonly #file: number;
  #block = '';

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  add(id: string): void {
    this.#block += `${id}\n`;
    if (this.#block.length >= ID_BLOCK) this.#write();
  }

  /** @returns its path */
  finish(): string {
    this.#write();
    closeSync(this.#file);
    return this.#path;
  }

  #write(): void {
    writeSync(this.#file, this.#block);
    this.#block = '';
  }
}

type Values = Uint16Array | Uint32Array | Int32Array | Float64Array;

/** One column of the shard that is open. */
class ColumnBuilder {
  readonly name: ColumnName;
  /** Names by id, of a column whose values are ids of names. */
  readonly #names: readonly string[];
  /** How often each name occurs. */
  readonly #counts: Float64Array;
  readonly #kind: DataColumn['kind'] & SectionKind;
  readonly #values: Growing<Values>;
  readonly #offsets = new Growing((length) => new Uint32Array(length));

  constructor(column: DataColumn, width: TokenWidth) {
    this.name = column.name;
    this.#names = 'names' in column ? column.names : [];
    this.#counts = new Float64Array(this.#names.length);
    this.#kind = column.kind;
    this.#values = new Growing<Values>((length) => emptyValues(column.kind, width, length));
    this.#offsets.push(0);
  }

  get tokens(): number {
    return this.#kind === 'tokens' ? this.#values.length : 0;
  }

  add(values: ArrayLike<number>): void {
    this.#values.append(values);
    this.#offsets.push(this.#values.length);
    if (this.#names.length === 0) return;
    for (const id of Array.from(values))
      if (id >= 0) this.#counts[id] = (this.#counts[id] ?? 0) + 1;
  }

  /** How often each name occurs that does; null where none does. */
  counts(): Record<string, number> | null {
    const found = this.#names.flatMap((name, id): [string, number][] => {
      const count = this.#counts[id] ?? 0;
      return count === 0 ? [] : [[name, count]];
    });
    return found.length === 0 ? null : Object.fromEntries(found);
  }

  /** The section of what was added since the last one. */
  take(): Section {
    const { name } = this;
    const kind = this.#kind;
    const values = this.#values.take();
    const offsets = this.#offsets.take();
    this.#offsets.push(0);
    // The values have the type of the kind, by `emptyValues`.
    if (kind === 'class' || kind === 'value') return { name, kind, values } as Section;
    return { name, kind, offsets, values } as Section;
  }
}

function emptyValues(kind: DataColumn['kind'], width: TokenWidth, length: number): Values {
  if (kind === 'tokens') return width === 2 ? new Uint16Array(length) : new Uint32Array(length);
  return kind === 'value' ? new Float64Array(length) : new Int32Array(length);
}
