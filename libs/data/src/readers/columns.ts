import {
  columnsNamedIn,
  defaultColumns,
  type ColumnName,
  type ColumnNeeds,
} from '@ringmaster/protocol';
import type {
  Answer,
  ColumnFault,
  Columns,
  ColumnValues,
  FileRecord,
  Message,
  ReadOptions,
  WantedColumn,
} from '../document.js';
import { normalForm } from '../text/unicode.js';

/** What a text needs: itself, and its class where there is one. */
export const TEXT_NEEDS: ColumnNeeds = { text: 'required', class: 'found' };

/**
 * The columns that are wanted of files. A class that the job file does not name may be missing from a file: a document
 * without one is a document without a label.
 */
export function wantedColumns({ needs = TEXT_NEEDS, ...data }: ReadOptions): WantedColumn[] {
  const named = columnsNamedIn(data);
  return Object.entries(needs).map(([key, presence]) => {
    const name = key as ColumnName;
    const isNamed = named[name] !== undefined;
    return {
      name,
      inFile: named[name] ?? defaultColumns[name],
      isRequired: isNamed || (presence === 'required' && name !== 'class'),
    };
  });
}

/** The wanted columns of a record, and why some are not there. */
export function takeColumns(
  wanted: readonly WantedColumn[],
  { line, fields }: FileRecord,
  path: string,
): { readonly columns: Columns; readonly faults: readonly ColumnFault[] } {
  const taken: (readonly [ColumnName, ColumnValues[ColumnName]])[] = [];
  const faults: ColumnFault[] = [];
  for (const { name, inFile, isRequired } of wanted) {
    if (!Object.hasOwn(fields, inFile)) {
      const names = Object.keys(fields).join(', ') || 'none';
      if (isRequired) faults.push({ kind: 'missing', path, line, column: inFile, columns: names });
      continue;
    }
    try {
      taken.push([name, parsers[name](fields[inFile])]);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      faults.push({ kind: 'invalid', path, line, column: inFile, reason: error.message });
    }
  }
  const columns: Columns = Object.fromEntries(taken);
  const conversation = wanted.find(({ name }) => name === 'messages');
  if (conversation !== undefined && !hasConversation(columns) && faults.length === 0) {
    const names = Object.keys(fields).join(', ') || 'none';
    const column = `${conversation.inFile}, nor a prompt and a completion`;
    faults.push({ kind: 'missing', path, line, column, columns: names });
  }
  const { words, tags } = columns;
  if (words !== undefined && tags !== undefined && words.length !== tags.length) {
    const column = wanted.find(({ name }) => name === 'tags')?.inFile ?? 'tags';
    const reason = `has ${tags.length} tags for ${words.length} words`;
    faults.push({ kind: 'invalid', path, line, column, reason });
  }
  return { columns, faults };
}

/** Whether there are messages, or else a prompt and what follows it. */
function hasConversation({ messages, prompt, completion }: Columns): boolean {
  return messages !== undefined || (prompt !== undefined && completion !== undefined);
}

/** A value that is of another type than its column; the message says of which. */
class Unfit extends Error {}

/** What a column holds, from what a file has there. */
const parsers: { readonly [Name in ColumnName]: (value: unknown) => ColumnValues[Name] } = {
  text: toText,
  pair: toText,
  class: toClass,
  classes: (value) => {
    const classes = toList(value, toName);
    return [...new Set(classes)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  },
  value: toNumber,
  words: (value) => toList(value, toText),
  tags: (value) => toList(value, toName),
  question: toText,
  context: toText,
  answers: toAnswers,
  source: toText,
  target: toText,
  prompt: toText,
  completion: toText,
  messages: (value) => toList(value, toMessage),
};

function toText(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Unfit('is neither text nor a number');
}

/** A label as it is compared: what is written around it, or how its characters are composed, makes no other class. */
function toClass(value: unknown): string | null {
  const label = normalForm(toText(value).trim(), 'NFC');
  return label === '' ? null : label;
}

function toName(value: unknown): string {
  const name = toClass(value);
  if (name === null) throw new Unfit('has an empty entry');
  return name;
}

function toNumber(value: unknown): number {
  const written = toText(value).trim();
  if (written === '') throw new Unfit('is empty');
  const number = DECIMAL.test(written) ? Number(written) : NaN;
  if (!Number.isFinite(number)) throw new Unfit('is no number');
  return number;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function toList<T>(value: unknown, parse: (entry: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new Unfit('is no list');
  return value.map((entry: unknown) => parse(entry));
}

/** Answers as SQuAD has them: lists of texts and of their places, or a list of objects with one of each. */
function toAnswers(value: unknown): Answer[] {
  const unfit = () => new Unfit("has not got 'text' and 'answer_start' of each answer");
  const toAnswer = (text: unknown, start: unknown): Answer => {
    if (typeof text !== 'string' || typeof start !== 'number' || !Number.isInteger(start))
      throw unfit();
    return { start, text };
  };
  if (value === null) return [];
  if (Array.isArray(value))
    return value.map((each: unknown) => {
      if (!isObject(each)) throw unfit();
      return toAnswer(each['text'], each['answer_start']);
    });
  const { text, answer_start: starts } = isObject(value) ? value : {};
  if (!Array.isArray(text) || !Array.isArray(starts) || text.length !== starts.length)
    throw unfit();
  return text.map((each: unknown, at) => toAnswer(each, starts[at]));
}

/** What a turn may have beside its text, which no template is given. */
const CALLS = ['tool_calls', 'function_call'] as const;

function toMessage(value: unknown): Message {
  const turn = isObject(value) ? value : {};
  for (const name of CALLS) {
    const calls = turn[name] ?? [];
    if (!Array.isArray(calls) || calls.length > 0)
      throw new Unfit(`has a turn with '${name}', which is not learned; leave it out`);
  }
  const { role, content } = turn;
  if (typeof role !== 'string' || typeof content !== 'string')
    throw new Unfit("has a turn without 'role' and 'content'");
  return { role, content };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
