import type {
  BlobStore,
  Dataset,
  Lengths,
  SplitReader,
  TextSurvey,
  Tokenizer,
} from '@ringmaster/data';
import { namesIn, type ColumnName, type DataManifest, type DataSplit } from '@ringmaster/protocol';

/** What a document has in a column: a text, a number, or names. */
type Shown = string | number | null | readonly (string | null)[];

/** A train document as the model reads it. */
export interface Sample {
  /** Tokens of all columns. */
  readonly tokens: number;
  /** By their names; the class of a document is its `label`. */
  readonly columns: Readonly<Record<string, Shown>>;
}

/** What is found by looking at prepared data. */
export interface Inspection {
  /** Tokens of the documents of each split that has some. */
  readonly lengths: Readonly<Partial<Record<DataSplit, Lengths>>>;
  /** Words and languages of train documents, evenly spread, as the model reads them. */
  readonly texts: TextSurvey;
  readonly samples: readonly Sample[];
}

/** Documents whose words and languages are looked at, and tokens of each. */
const LOOKED_AT = 2000;
const BEGINNING = 2000;

/** Looks at prepared data: at the lengths of all documents, and at some train documents, evenly spread. */
export async function inspectData(
  manifest: DataManifest,
  store: BlobStore,
  samples: number,
): Promise<Inspection> {
  const { languageDetector, lengthsOf, loadTokenizer, openDataset, surveyTexts } =
    await import('@ringmaster/data');
  const tokenizer = loadTokenizer((await store.read(manifest.tokenizer.sha256)).toString());
  const dataset = openDataset(manifest, (sha256) => store.path(sha256));
  const lengths = Object.entries(dataset.splits).flatMap(([name, split]) =>
    split.documents === 0 ? [] : [[name, lengthsOf(split.tokenCounts())] as const],
  );
  return {
    lengths: Object.fromEntries(lengths),
    texts: surveyTexts(textsIn(dataset, tokenizer), await languageDetector()),
    samples: spread(dataset.splits.train, samples).map((document) =>
      decode(manifest, dataset.splits.train, tokenizer, document),
    ),
  };
}

/** Documents of a split, by their numbers, evenly spread. */
function spread({ documents }: SplitReader, count: number): number[] {
  const shown = Math.min(count, documents);
  return Array.from({ length: shown }, (_, index) => Math.floor((index * documents) / shown));
}

/** How some train documents begin. */
function* textsIn({ manifest, splits: { train } }: Dataset, tokenizer: Tokenizer) {
  const columns = manifest.columns.filter(({ kind }) => kind === 'tokens');
  for (const document of spread(train, LOOKED_AT))
    yield columns
      .map(({ name }) => {
        const tokens = train.get(document, name);
        return typeof tokens === 'number' ? '' : tokenizer.decode(tokens.subarray(0, BEGINNING));
      })
      .join('\n');
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
