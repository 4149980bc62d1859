import type { Step } from './clean.js';

const tags =
  'a|abbr|b|big|blockquote|body|br|center|code|col|dd|div|dl|dt|em|embed|font|form|frame|frameset|h[1-6]|head|hr|html|i|' +
  'iframe|img|input|layer|li|link|map|area|meta|noscript|object|ol|option|p|param|pre|s|script|select|small|span|strike|' +
  'strong|style|sub|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|x-html|!doctype';
const block = /<(script|style)\b[^<>]{0,400}>[^<]{0,20000}<\/\1 *>/gi;
const comment = /<!--[^<>]{0,2000}-->/g;
const tag = new RegExp(`</?(?:${tags})(?:\\s[^<>]{0,2000})?/?>`, 'gi');

const entities: Readonly<Record<string, string>> = {
  nbsp: ' ',
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  copy: '©',
  reg: '®',
  trade: '™',
};

function decodeEntity(whole: string, name: string): string {
  if (!name.startsWith('#')) return entities[name.toLowerCase()] ?? whole;
  const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  const printable = code >= 0x20 && (code < 0x7f || code > 0x9f) && code <= 0xffff;
  return printable && (code < 0xd800 || code > 0xdfff) ? String.fromCharCode(code) : whole;
}

function stripHtml(text: string): string {
  if (!text.includes('<') && !text.includes('&')) return text;
  return text
    .replace(block, ' ')
    .replace(comment, ' ')
    .replace(tag, ' ')
    .replace(/&(#\d{1,5}|#x[0-9a-f]{1,4}|[a-z]{2,5});/gi, decodeEntity);
}

/** At least three whole lines of base64, with a last one that ends in padding; or a uuencoded file. */
const base64 = /(?:^[A-Za-z0-9+/]{56,80}\n){3,}(?:^[A-Za-z0-9+/]{1,79}={0,2}$)?/gm;
const uuencoded = /^begin [0-7]{3} \S.*\n(?:[ -`]{1,62}\n){1,100000}?end$/gm;

const footer = /\n[_-]{20,}\n(?:.*\n){0,3}?.*(?:mailing list|listinfo)[^]{0,400}$/i;

/** Lines that quote another mail, with the line that says whose ("On Monday … wrote:"). */
const quoted =
  /(?:^[^\n>]{0,160}(?:wrote|writes|schrieb|said):[^\S\n]*\n\s{0,4})?(?:^[^\S\n]?>.*(?:\n|$))+/gm;

/** Rules for mails and pages, in the order in which they are applied. */
export const markupRules: readonly Step[] = [
  ['html', stripHtml],
  ['encoded-attachment', (text) => text.replace(base64, '').replace(uuencoded, '')],
  ['list-footer', (text) => text.replace(footer, '')],
  ['quoted-reply', (text) => text.replace(quoted, '')],
];
