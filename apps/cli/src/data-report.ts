import type { Remembered, TextSurvey } from '@ringmaster/data';
import type { DataManifest, DataSplit } from '@ringmaster/protocol';
import type { Inspection, Sample } from './inspect-data.js';
import { formatCount, pairs, table } from './output.js';

interface Told extends Remembered {
  readonly warnings: readonly string[];
}

/** What is in prepared data, what was left out and why, for people. */
export function describeData(data: Told, { lengths, texts, samples }: Inspection): string {
  return [
    describeManifest(data, texts),
    describeSplits(data),
    describeMixture(data.manifest),
    describeLabels(data.manifest),
    describeLengths(lengths),
    describeSteps(data.report),
    ...samples.map(describeSample),
  ]
    .filter((section) => section !== null)
    .join('\n\n');
}

function describeManifest({ manifest, sha256, warnings, report }: Told, texts: TextSurvey) {
  const { statistics, tokenizer, columns, splits } = manifest;
  const { unigramEntropy, nearDuplicates, overlap, unknownTokens } = statistics;
  const { tokens, bytes, example } = report?.encoded ?? {
    tokens: sum(splits, 'tokens'),
    bytes: null,
    example: null,
  };
  const shareOf = (count: number, all: number) =>
    `${((100 * count) / Math.max(1, all)).toFixed(1)} %`;
  const frequent = texts.frequent.map(
    ({ name, count }) => `${name} ${shareOf(count, texts.words)}`,
  );
  const languages = texts.languages.map(
    ({ name, count }) => `${name === '' ? 'none' : name} ${shareOf(count, texts.documents)}`,
  );
  const of = `of ${formatCount(texts.documents)} documents: `;
  return pairs([
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
    [
      'characters a token',
      (sum(splits, 'characters') / Math.max(1, sum(splits, 'tokens'))).toFixed(2),
    ],
    ['bytes a token', bytes === null ? null : (bytes / Math.max(1, tokens)).toFixed(2)],
    [
      'unknown tokens',
      `${formatCount(unknownTokens)}, ${shareOf(unknownTokens, tokens)}${example === null ? '' : `, such as '${example}'`}`,
    ],
    ['unigram entropy', `${unigramEntropy.toFixed(3)} nats a token`],
    ['languages', texts.documents === 0 ? null : of + languages.join(', ')],
    ['frequent words', frequent.length === 0 ? null : of + frequent.join(', ')],
    ...warnings.map((warning) => ['warning', warning] as const),
  ]);
}

const sum = (splits: DataManifest['splits'], what: 'tokens' | 'characters'): number =>
  Object.values(splits).reduce((total, split) => total + split[what], 0);

function reasons(counts: Readonly<Record<string, number>>): string {
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  return found.map(([reason, count]) => `${formatCount(count)} ${reason}`).join(', ') || 'none';
}

function describeSplits({ manifest: { splits } }: Told): string {
  const rows = Object.entries(splits).map(([name, split]) => [
    name,
    formatCount(split.documents),
    formatCount(split.tokens),
    split.documents === 0 ? null : formatCount(split.tokens / split.documents),
    split.shards.length,
  ]);
  return table(['SPLIT', 'DOCUMENTS', 'TOKENS', 'MEAN', 'SHARDS'], rows);
}

function describeMixture({ mixture }: DataManifest): string | null {
  if (mixture === undefined) return null;
  const rows = mixture.map(({ name, weight, documents, tokens, epochs }) => [
    name,
    weight,
    formatCount(documents),
    formatCount(tokens),
    epochs.toFixed(2),
  ]);
  return table(['SOURCE', 'WEIGHT', 'DOCUMENTS', 'TOKENS', 'PASSES AN EPOCH'], rows);
}

const SPLITS = ['train', 'validation', 'test'] as const satisfies readonly DataSplit[];
/** Classes and tags that are shown, those of the lowest ids. */
const SHOWN_NAMES = 30;

function describeLabels({ columns, splits }: DataManifest): string | null {
  const named = columns.flatMap((column) =>
    'names' in column ? column.names.map((name) => ({ column: column.name, name })) : [],
  );
  if (named.length === 0) return null;
  const rows = named
    .slice(0, SHOWN_NAMES)
    .map(({ column, name }) => [
      column,
      name,
      ...SPLITS.map((split) => formatCount(splits[split].counts[column]?.[name] ?? 0)),
    ]);
  const more = named.length - rows.length;
  return [
    table(['COLUMN', 'NAME', ...SPLITS.map((split) => split.toUpperCase())], rows),
    ...(more > 0 ? [`and ${formatCount(more)} names more`] : []),
  ].join('\n');
}

function describeLengths(lengths: Inspection['lengths']): string | null {
  const all = SPLITS.flatMap((split) => lengths[split]?.bins ?? []);
  if (all.length === 0) return null;
  const bounds = [...new Map(all.map(({ from, to }) => [from, to]))].sort(([a], [b]) => a - b);
  const rows = bounds.map(([from, to]) => [
    `${formatCount(from)} to ${formatCount(to)}`,
    ...SPLITS.map((split) => {
      const bin = lengths[split]?.bins.find((each) => each.from === from);
      return formatCount(bin?.documents ?? 0);
    }),
  ]);
  const longest = SPLITS.map((split) => {
    const most = lengths[split]?.longest;
    return most === undefined ? null : formatCount(most);
  });
  return table(
    ['TOKENS', ...SPLITS.map((split) => split.toUpperCase())],
    [...rows, ['longest', ...longest]],
  );
}

function describeSteps(report: Remembered['report']): string | null {
  if (report === null || Object.keys(report.steps).length === 0) return null;
  return Object.entries(report.steps)
    .map(([name, { changed, dropped, examples }]) => {
      const did = [
        ...(changed > 0 ? [`changed ${formatCount(changed)}`] : []),
        ...(dropped > 0 ? [`dropped ${formatCount(dropped)}`] : []),
      ].join(', ');
      const shown = examples.map(({ place, before, after }) => {
        const what = after === null ? '' : ` → ${quote(after)}`;
        return `  ${place}: ${quote(before)}${what}`;
      });
      return [`${name}: ${did}`, ...shown].join('\n');
    })
    .join('\n');
}

const SHOWN_EXCERPT = 80;

/** A text in one line. */
const quote = (text: string): string => JSON.stringify(cut(text, SHOWN_EXCERPT));

const cut = (text: string, characters: number): string =>
  text.length > characters ? `${text.slice(0, characters)}…` : text;

const SHOWN_CHARACTERS = 400;

function describeSample({ tokens, columns: { label = null, ...columns } }: Sample): string {
  const head = `--- ${tokens} tokens${label === null ? '' : `, ${String(label)}`}`;
  const shown = Object.entries(columns).map(([name, value]) => {
    const text = cut(Array.isArray(value) ? value.join(' ') : String(value), SHOWN_CHARACTERS);
    return name === 'text' ? text : `${name}: ${text}`;
  });
  return [head, ...shown].join('\n');
}
