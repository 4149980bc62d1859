import type { BlobStore, SplitReader, Tokenizer } from '@ringmaster/data';
import { namesIn, type ColumnName, type DataManifest } from '@ringmaster/protocol';
import { formatCount, pairs, table } from './output.js';

/** What a document has in a column: a text, a number, or names. */
type Shown = string | number | null | readonly (string | null)[];

/** A train document as the model reads it. */
export interface Sample {
  /** Tokens of all columns. */
  readonly tokens: number;
  /** By their names; the class of a document is its `label`. */
  readonly columns: Readonly<Record<string, Shown>>;
}

/** Train documents, evenly spread, decoded from what is prepared. */
export async function decodeSamples(
  manifest: DataManifest,
  store: BlobStore,
  count: number,
): Promise<Sample[]> {
  const { loadTokenizer, openDataset } = await import('@ringmaster/data');
  const tokenizer = loadTokenizer((await store.read(manifest.tokenizer.sha256)).toString());
  const { train } = openDataset(manifest, (sha256) => store.path(sha256)).splits;
  const shown = Math.min(count, train.documents);
  return Array.from({ length: shown }, (_, index) =>
    decode(manifest, train, tokenizer, Math.floor((index * train.documents) / shown)),
  );
}

function decode(
  manifest: DataManifest,
  split: SplitReader,
  tokenizer: Tokenizer,
  document: number,
): Sample {
  const nameOf = (column: ColumnName, id: number) => namesIn(manifest, column)[id] ?? null;
  const columns: Record<string, Shown> = {};
  let tokens = 0;
  for (const { name, kind } of manifest.columns) {
    const value = split.get(document, name);
    if (typeof value === 'number')
      if (kind === 'class') columns['label'] = nameOf(name, value);
      else columns[name] = value;
    else if (kind === 'tokens') {
      tokens += value.length;
      columns[name] = tokenizer.decode(value);
    } else if (kind !== 'spans')
      columns[name] = [...value].filter((id) => id >= 0).map((id) => nameOf(name, id));
  }
  return { tokens, columns };
}

const SHOWN_CHARACTERS = 400;

/** What is in prepared data, what was left out and why, for people. */
export function describeData(
  manifest: DataManifest,
  sha256: string,
  warnings: readonly string[],
  samples: readonly Sample[],
): string {
  const { splits, statistics, tokenizer, columns } = manifest;
  const reasons = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${formatCount(count)} ${reason}`)
      .join(', ') || 'none';
  const named = columns.flatMap((column) =>
    'names' in column ? column.names.map((name) => ({ column: column.name, name })) : [],
  );
  const rows = Object.entries(splits).map(([name, split]) => [
    name,
    formatCount(split.documents),
    formatCount(split.tokens),
    split.documents === 0 ? null : formatCount(split.tokens / split.documents),
    split.shards.length,
    ...named.map(({ column, name: each }) => formatCount(split.counts[column]?.[each] ?? 0)),
  ]);
  const entropy = statistics.unigramEntropy;
  const { nearDuplicates, overlap } = statistics;
  return [
    pairs([
      ['data', sha256],
      ['columns', columns.map(({ name }) => name).join(', ')],
      ['vocabulary', formatCount(tokenizer.vocabulary)],
      ['read', formatCount(statistics.read)],
      ['dropped', reasons(statistics.dropped)],
      ['cleaned', reasons(statistics.cleaned)],
      [
        'near duplicates',
        `${formatCount(nearDuplicates.documents)} in ${formatCount(nearDuplicates.groups)} groups`,
      ],
      ['overlap', reasons(overlap)],
      ['unknown tokens', formatCount(statistics.unknownTokens)],
      ['unigram entropy', `${entropy.toFixed(3)} nats a token`],
      ...warnings.map((warning) => ['warning', warning] as const),
    ]),
    '',
    table(
      ['SPLIT', 'DOCUMENTS', 'TOKENS', 'MEAN', 'SHARDS', ...named.map(({ name }) => name)],
      rows,
    ),
    ...samples.map(describeSample),
  ].join('\n');
}

function describeSample({ tokens, columns: { label = null, ...columns } }: Sample): string {
  const head = `\n--- ${tokens} tokens${label === null ? '' : `, ${String(label)}`}`;
  const shown = Object.entries(columns).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(' ') : String(value);
    const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
    return name === 'text' ? cut : `${name}: ${cut}`;
  });
  return [head, ...shown].join('\n');
}
