import {
  columnKinds,
  columnNames,
  RingmasterError,
  type ColumnName,
  type ColumnNeeds,
  type DataColumn,
} from '@ringmaster/protocol';
import { encodeCompletion, encodeConversation } from '../chat/encode.js';
import { ChatTemplate, type ChatFormat } from '../chat/template.js';
import type { Columns } from '../document.js';
import type { Tokenizer } from '../tokenizers/tokenizer.js';
import { encodeWords } from '../tokenizers/words.js';
import { textIn } from './content.js';
import { documentsOf, type Corpus } from './corpus.js';
import { ClassesCollector, LabelCollector } from './labels.js';
import { preparedTags, TagCollector } from './tags.js';

/** What a document has in a column: one number of a kind that has one, any number of them of another. */
export type EncodedColumn = readonly number[];

/** Columns of prepared data that are made together, and what a document has in them. */
export interface ColumnEncoder {
  readonly columns: readonly DataColumn[];
  encode(columns: Columns, tokenizer: Tokenizer): readonly EncodedColumn[];
}

/** How the columns of a corpus are encoded: plain data, so that any thread can do it. */
export interface EncodingPlan {
  readonly needs: ColumnNeeds;
  /** Names of classes and tags in the order of their ids; none of a class means that it is not used. */
  readonly names: Readonly<Partial<Record<'class' | 'classes' | 'tags', readonly string[]>>>;
  /** Whether the tags are of entities. */
  readonly areOfEntities: boolean;
  /** How conversations are written; null where there is no template. */
  readonly chat?: ChatFormat | null | undefined;
}

/**
 * How the columns that a task needs are encoded: the names of classes and tags are those of the train split.
 * @throws CHAT_TEMPLATE_INVALID, DATA_LABELS_MISSING, DATA_LABELS_USELESS, DATA_LABEL_UNKNOWN, DATA_TAGS_INVALID
 */
export function planEncoding(
  corpus: Corpus,
  needs: ColumnNeeds,
  chat?: ChatFormat | null,
): { readonly plan: EncodingPlan; readonly warnings: readonly string[] } {
  const isUnlabelled = needs.class === 'found' && corpus.classes === 0;
  const labels =
    needs.class === undefined || isUnlabelled
      ? null
      : new LabelCollector(needs.class === 'required');
  const classes = needs.classes === undefined ? null : new ClassesCollector();
  const tags = needs.tags === undefined ? null : new TagCollector();
  const collectors = [labels, classes, tags].filter((collector) => collector !== null);
  if (collectors.length > 0)
    for (const document of documentsOf(corpus, 'notes'))
      for (const collector of collectors) collector.add(document);

  // A template that is none is told of once, and not as what is wrong with a conversation.
  if (chat !== undefined && chat !== null) new ChatTemplate(chat);
  const label = labels?.finish();
  const names = { class: label?.names ?? [], classes: classes?.finish() ?? [] };
  const tag = tags?.finish();
  return {
    plan: {
      needs,
      names: { ...names, tags: tag?.names ?? [] },
      areOfEntities: tag?.areOfEntities ?? false,
      ...(chat === undefined ? {} : { chat }),
    },
    warnings: [label?.warning, tag?.warning].filter((warning) => typeof warning === 'string'),
  };
}

/** What encodes documents as planned, in the order of the manifest's columns. */
export function encodersOf({ needs, names, areOfEntities, chat }: EncodingPlan): ColumnEncoder[] {
  return columnNames.flatMap((name): ColumnEncoder[] => {
    if (needs[name] === undefined) return [];
    if (name === 'class') {
      const { class: labels = [] } = names;
      return labels.length === 0 ? [] : [classEncoder(labels)];
    }
    if (name === 'classes') return [classesEncoder(names.classes ?? [])];
    if (name === 'value') return [valueEncoder];
    if (name === 'tags') return [tagsEncoder(names.tags ?? [], areOfEntities)];
    if (name === 'words') return needs.tags === undefined ? [wordsEncoder] : [];
    if (name === 'messages') return [conversationEncoder(chat ?? null)];
    if (needs.messages !== undefined) return [];
    if (columnKinds[name] === 'tokens') return [textEncoder(name)];
    throw new TypeError(`no preparation encodes the column '${name}' yet`);
  });
}

function textEncoder(name: ColumnName): ColumnEncoder {
  return {
    columns: [{ name, kind: 'tokens' }],
    encode(columns, tokenizer) {
      const text = textIn(columns, name) ?? '';
      return [name === 'target' ? tokenizer.encodeTarget(text) : tokenizer.encode(text)];
    },
  };
}

/**
 * Conversations, or prompts with their completions, and which of their tokens are answers.
 * @throws COMPLETION_ENDLESS, CHAT_TEMPLATE_MISSING, CHAT_TEMPLATE_INVALID, CHAT_TEMPLATE_REWRITES
 */
function conversationEncoder(chat: ChatFormat | null): ColumnEncoder {
  let template: ChatTemplate | null = null;
  return {
    columns: [
      { name: 'messages', kind: 'tokens' },
      { name: 'answers', kind: 'spans' },
    ],
    encode({ messages, prompt = '', completion = '' }, tokenizer) {
      if (messages === undefined) {
        const { tokens, answers } = encodeCompletion(prompt, completion, tokenizer);
        return [tokens, answers];
      }
      if (chat === null)
        throw new RingmasterError('CHAT_TEMPLATE_MISSING', { turns: messages.length });
      template ??= new ChatTemplate(chat);
      const { tokens, answers } = encodeConversation(template.withAnswers(messages), tokenizer);
      return [tokens, answers];
    },
  };
}

const wordsEncoder: ColumnEncoder = {
  columns: [{ name: 'words', kind: 'tokens' }],
  encode: ({ words = [] }, tokenizer) => [encodeWords(tokenizer, words).ids],
};

/** Words with their tags: the first token of a word has the tag's id, the others have none. */
function tagsEncoder(names: readonly string[], areOfEntities: boolean): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [
      { name: 'words', kind: 'tokens' },
      { name: 'tags', kind: 'tags', names: [...names] },
    ],
    encode({ words = [], tags = [] }, tokenizer) {
      const prepared = preparedTags(tags, areOfEntities);
      const encoded = encodeWords(tokenizer, words);
      const values = encoded.ids.map(() => -1);
      for (const [word, first] of encoded.firsts.entries())
        values[first] = ids.get(prepared[word] ?? '') ?? -1;
      return [encoded.ids, values];
    },
  };
}

function classEncoder(names: readonly string[]): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [{ name: 'class', kind: 'class', names: [...names] }],
    encode: ({ class: label = null }) => [[ids.get(label ?? '') ?? -1]],
  };
}

function classesEncoder(names: readonly string[]): ColumnEncoder {
  const ids = new Map(names.map((name, id) => [name, id]));
  return {
    columns: [{ name: 'classes', kind: 'classes', names: [...names] }],
    encode: ({ classes = [] }) => [
      classes.flatMap((name) => ids.get(name) ?? []).sort((a, b) => a - b),
    ],
  };
}

const valueEncoder: ColumnEncoder = {
  columns: [{ name: 'value', kind: 'value' }],
  encode: ({ value = NaN }) => [[value]],
};
