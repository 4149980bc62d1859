import {
  columnKinds,
  columnNames,
  type ColumnName,
  type ColumnNeeds,
  type DataColumn,
} from '@ringmaster/protocol';
import type { EncodedColumn } from '../shards/builder.js';
import type { Tokenizer } from '../tokenizers/tokenizer.js';
import { encodeWords } from '../tokenizers/words.js';
import { textIn } from './content.js';
import type { SplitDocument } from './corpus.js';
import { collectClasses, collectLabels } from './labels.js';
import { collectTags } from './tags.js';

/** Columns of prepared data that are made together, and what a document has in them. */
export interface ColumnEncoder {
  readonly columns: readonly DataColumn[];
  encode(document: Pick<SplitDocument, 'columns'>, tokenizer: Tokenizer): readonly EncodedColumn[];
}

export interface ColumnEncoders {
  /** In the order of the manifest's columns. */
  readonly encoders: readonly ColumnEncoder[];
  readonly warnings: readonly string[];
}

/**
 * How the columns that a task needs are encoded: the names of classes and tags are those of the train split.
 * @throws DATA_LABELS_MISSING, DATA_LABELS_USELESS, DATA_LABEL_UNKNOWN, DATA_TAGS_INVALID
 */
export function collectEncoders(
  documents: readonly SplitDocument[],
  needs: ColumnNeeds,
): ColumnEncoders {
  const encoders: ColumnEncoder[] = [];
  const warnings: string[] = [];
  const take = (encoder: ColumnEncoder | null, warning: string | null = null) => {
    if (encoder !== null) encoders.push(encoder);
    if (warning !== null) warnings.push(warning);
  };
  for (const name of columnNames) {
    if (needs[name] === undefined) continue;
    if (name === 'class') {
      const { names, warning } = collectLabels(documents, needs.class === 'required');
      take(names.length === 0 ? null : classEncoder(names), warning);
    } else if (name === 'classes') take(classesEncoder(collectClasses(documents)));
    else if (name === 'value') take(valueEncoder);
    else if (name === 'tags') {
      const tags = collectTags(documents);
      take(tagsEncoder(tags), tags.warning);
    } else if (name === 'words') {
      if (needs.tags === undefined) take(wordsEncoder);
    } else if (columnKinds[name] === 'tokens') take(textEncoder(name));
    else throw new TypeError(`no preparation encodes the column '${name}' yet`);
  }
  return { encoders, warnings };
}

const tokensOf = (values: readonly number[]): EncodedColumn => ({ values, names: [] });

function textEncoder(name: ColumnName): ColumnEncoder {
  return {
    columns: [{ name, kind: 'tokens' }],
    encode: ({ columns }, tokenizer) => [tokensOf(tokenizer.encode(textIn(columns, name) ?? ''))],
  };
}

const wordsEncoder: ColumnEncoder = {
  columns: [{ name: 'words', kind: 'tokens' }],
  encode: ({ columns: { words = [] } }, tokenizer) => [tokensOf(encodeWords(tokenizer, words).ids)],
};

/** Words with their tags: the first token of a word has the tag's id, the others have none. */
function tagsEncoder({ names, of }: ReturnType<typeof collectTags>): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [
      { name: 'words', kind: 'tokens' },
      { name: 'tags', kind: 'tags', names: [...names] },
    ],
    encode(document, tokenizer) {
      const tags = of(document);
      const words = encodeWords(tokenizer, document.columns.words ?? []);
      const values = words.ids.map(() => -1);
      for (const [word, first] of words.firsts.entries())
        values[first] = ids.get(tags[word] ?? '') ?? -1;
      return [tokensOf(words.ids), { values, names: tags }];
    },
  };
}

function classEncoder(names: readonly string[]): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [{ name: 'class', kind: 'class', names: [...names] }],
    encode({ columns: { class: label = null } }) {
      if (label === null) return [{ values: [-1], names: [] }];
      return [{ values: [ids.get(label) ?? -1], names: [label] }];
    },
  };
}

function classesEncoder(names: readonly string[]): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [{ name: 'classes', kind: 'classes', names: [...names] }],
    encode({ columns: { classes = [] } }) {
      const values = classes.flatMap((name) => ids.get(name) ?? []).sort((a, b) => a - b);
      return [{ values, names: classes }];
    },
  };
}

const valueEncoder: ColumnEncoder = {
  columns: [{ name: 'value', kind: 'value' }],
  encode: ({ columns: { value = NaN } }) => [{ values: [value], names: [] }],
};
