import type { CleaningRule } from '@ringmaster/protocol';
import { normalForm } from '../text/unicode.js';
import { replaceCards, replaceEmails, replaceIpAddresses, replacePhones } from './personal-data.js';
import { cutFooter, dropAttachments, dropQuotes, stripHtml } from './markup.js';

export interface Cleaned {
  readonly text: string;
  /** The rules that changed the text. */
  readonly changed: readonly CleaningRule[];
}

/**
 * C0 and C1 controls but tab and newline, zero-width spaces and marks of direction, halves of characters, and what
 * decoders leave.
 */
const controls =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd\ud800-\udfff]/gu;

/** Lines without the white space at their ends. A pattern for it would look at each blank of a long run again and again. */
function trimLines(text: string): string {
  if (!/[^\S\n](?:\n|$)/.test(text)) return text;
  const lines = text.split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

const rules: Readonly<Record<CleaningRule, (text: string) => string>> = {
  newlines: (text) => text.replace(/\r\n?|\u2028|\u2029/g, '\n'),
  'control-characters': (text) => text.replace(controls, ''),
  'unicode-nfc': (text) => normalForm(text, 'NFC'),
  'unicode-nfkc': (text) => normalForm(text, 'NFKC'),
  html: stripHtml,
  'encoded-attachment': dropAttachments,
  'list-footer': cutFooter,
  'quoted-reply': dropQuotes,
  spaces: (text) => text.replace(/[^\S\n]+/g, ' ').replace(/^ /gm, ''),
  whitespace: (text) =>
    trimLines(text)
      .replace(/\n{3,}/g, '\n\n')
      .replace(/^\n+|\n+$/g, ''),
  'email-addresses': replaceEmails,
  'ip-addresses': replaceIpAddresses,
  'card-numbers': replaceCards,
  'phone-numbers': replacePhones,
};

/** What a rule makes of a text. */
export const ruleNamed = (name: CleaningRule): ((text: string) => string) => rules[name];

/** Rules for plain text, which keeps its words, indentation and lines. */
export const PLAIN: readonly CleaningRule[] = [
  'newlines',
  'control-characters',
  'unicode-nfc',
  'whitespace',
];

/** Rules for mails and pages, of which the residue of mark-up, quoted replies and attachments goes too. */
export const MARKUP: readonly CleaningRule[] = [
  'newlines',
  'control-characters',
  'unicode-nfc',
  'html',
  'encoded-attachment',
  'list-footer',
  'quoted-reply',
  'unicode-nfc',
  'spaces',
  'whitespace',
];

/** Brings a text into the one form that is hashed, compared and tokenized, by rules that are applied in order. */
export function cleanText(text: string, cleaning: readonly CleaningRule[]): Cleaned {
  const changed = new Set<CleaningRule>();
  for (const rule of cleaning) {
    const next = rules[rule](text);
    if (next !== text) changed.add(rule);
    text = next;
  }
  return { text, changed: [...changed] };
}
