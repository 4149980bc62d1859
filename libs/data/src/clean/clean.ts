import { normalForm } from '../text/unicode.js';
import { markupRules } from './markup.js';

/** What a cleaning rule is called in statistics. */
export type Rule =
  | 'control-characters'
  | 'html'
  | 'encoded-attachment'
  | 'list-footer'
  | 'quoted-reply'
  | 'unicode-nfc'
  | 'whitespace';

export interface Cleaned {
  readonly text: string;
  /** The rules that changed the text. */
  readonly changed: readonly Rule[];
}

export type Step = readonly [Rule, (text: string) => string];

/**
 * C0 and C1 controls but tab and newline, zero-width spaces and marks of direction, halves of characters, and what
 * decoders leave.
 */
const controls =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd\ud800-\udfff]/gu;

const newlines: Step = ['whitespace', (text) => text.replace(/\r\n?|\u2028|\u2029/g, '\n')];
const control: Step = ['control-characters', (text) => text.replace(controls, '')];
const unicode: Step = ['unicode-nfc', (text) => normalForm(text, 'NFC')];
const whitespace: Step = [
  'whitespace',
  (text) =>
    trimLines(text)
      .replace(/\n{3,}/g, '\n\n')
      .replace(/^\n+|\n+$/g, ''),
];
const spaces: Step = ['whitespace', (text) => text.replace(/[^\S\n]+/g, ' ').replace(/^ /gm, '')];

/** Lines without the white space at their ends. A pattern for it would look at each blank of a long run again and again. */
function trimLines(text: string): string {
  if (!/[^\S\n](?:\n|$)/.test(text)) return text;
  const lines = text.split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

const plainSteps: readonly Step[] = [newlines, control, unicode, whitespace];
const markupSteps: readonly Step[] = [
  newlines,
  control,
  unicode,
  ...markupRules,
  unicode,
  spaces,
  whitespace,
];

/**
 * Brings a text into the one form that is hashed, compared and tokenized. Plain text keeps its words, indentation and
 * lines; with `markup` (mails and pages) the residue of mark-up, quoted replies and attachments goes too.
 */
export function cleanText(text: string, markup: boolean): Cleaned {
  const changed = new Set<Rule>();
  for (const [rule, apply] of markup ? markupSteps : plainSteps) {
    const next = apply(text);
    if (next !== text) changed.add(rule);
    text = next;
  }
  return { text, changed: [...changed] };
}
