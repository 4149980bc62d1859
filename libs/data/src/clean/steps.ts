import { isRule, nameOfStep, type CleaningStep } from '@ringmaster/protocol';
import type { Columns } from '../document.js';
import { contentOf, mapTexts } from '../prepare/content.js';
import { ruleNamed } from './clean.js';
import { languageFilter } from './filters/language.js';
import { c4Lines, withoutDuplicateLines } from './filters/lines.js';
import { hasStopWords, isC4Page, isGopherQuality, isOfLength } from './filters/quality.js';
import { isGopherVaried } from './filters/repetition.js';

/** A step of cleaning that is ready to be taken. */
export type ReadyStep = { readonly name: string } & (
  | {
      readonly kind: 'text';
      /** Whether it looks at lines, which single words are none of. */
      readonly isOfLines: boolean;
      readonly apply: (text: string) => string;
    }
  | { readonly kind: 'document'; readonly keeps: (content: string) => boolean }
);

/** What is told of a document that a step changed or dropped: a text before and after it, or null where it is dropped. */
export type StepListener = (step: string, before: string, after: string | null) => void;

/** Makes steps ready; what some of them need is loaded. */
export async function readySteps(steps: readonly CleaningStep[]): Promise<ReadyStep[]> {
  return Promise.all(
    steps.map(async (step) => ({ name: nameOfStep(step), ...(await ready(step)) })),
  );
}

type Unnamed<T> = T extends unknown ? Omit<T, 'name'> : never;

const ofTexts = (apply: (text: string) => string): Unnamed<ReadyStep> => ({
  kind: 'text',
  isOfLines: false,
  apply,
});
const ofLines = (apply: (text: string) => string): Unnamed<ReadyStep> => ({
  kind: 'text',
  isOfLines: true,
  apply,
});
const ofDocuments = (keeps: (content: string) => boolean): Unnamed<ReadyStep> => ({
  kind: 'document',
  keeps,
});

async function ready(step: CleaningStep): Promise<Unnamed<ReadyStep>> {
  if (isRule(step)) return ofTexts(ruleNamed(step));
  switch (step) {
    case 'c4-lines':
      return ofLines(c4Lines);
    case 'duplicate-lines':
      return ofLines(withoutDuplicateLines);
    case 'c4-pages':
      return ofDocuments(isC4Page);
    case 'gopher-quality':
      return ofDocuments(isGopherQuality);
    case 'gopher-stop-words':
      return ofDocuments(hasStopWords);
    case 'gopher-repetition':
      return ofDocuments(isGopherVaried);
    default:
      if ('language' in step) return ofDocuments(await languageFilter(step.language));
      return ofDocuments((content) => isOfLength(content, step.length));
  }
}

/**
 * Takes the steps, one after another, for a document: each of its texts by itself, and the document by all that it says.
 * Words and messages stay as many as they are. One without a text is not judged.
 * @returns null where a filter drops it
 */
export function cleanDocument(
  document: Columns,
  steps: readonly ReadyStep[],
  listener: StepListener,
): Columns | null {
  let columns = document;
  for (const step of steps) {
    if (step.kind === 'document') {
      const content = contentOf(columns);
      if (content === '' || step.keeps(content)) continue;
      listener(step.name, content, null);
      return null;
    }
    columns = mapTexts(columns, !step.isOfLines, (before) => {
      const after = step.apply(before);
      if (after !== before) listener(step.name, before, after);
      return after;
    });
  }
  return columns;
}
