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

/** Leaves out tags, comments, styles and scripts, and decodes entities. */
export function stripHtml(text: string): string {
  if (!text.includes('<') && !text.includes('&')) return text;
  return text
    .replace(block, ' ')
    .replace(comment, ' ')
    .replace(tag, ' ')
    .replace(/&(#\d{1,5}|#x[0-9a-f]{1,4}|[a-z]{2,5});/gi, decodeEntity);
}

const base64Line = /^[A-Za-z0-9+/]{56,80}$/;
const base64End = /^[A-Za-z0-9+/]{1,79}={0,2}$/;
const BASE64_LINES = 3;
const uuBegin = /^begin [0-7]{3} \S/;
const uuLine = /^[ -`]{1,62}$/;

/** Leaves out at least three whole lines of base64, with a last one that ends in padding, and uuencoded files. */
export function dropAttachments(text: string): string {
  const lines = text.split('\n');
  const kept: string[] = [];
  const last = lines.length - 1;
  const runOf = (from: number, pattern: RegExp): number => {
    let at = from;
    while (at < last && pattern.test(lines[at] ?? '')) at++;
    return at;
  };
  for (let at = 0; at <= last;) {
    const line = lines[at] ?? '';
    const end = runOf(at, base64Line);
    if (end - at >= BASE64_LINES) {
      const padded = base64End.test(lines[end] ?? '');
      if (padded) kept.push('');
      at = padded ? end + 1 : end;
      continue;
    }
    if (uuBegin.test(line)) {
      const after = runOf(at + 1, uuLine);
      if (after > at + 1 && lines[after] === 'end') {
        kept.push('');
        at = after + 1;
        continue;
      }
    }
    kept.push(line);
    at++;
  }
  return kept.join('\n');
}

const rule = /^[_-]{20,}$/;
const mention = /^.*(?:mailing list|listinfo)/is;
/** Characters between the mention of the list and the end of the text, and lines between the rule and the mention. */
const FOOTER = { characters: 400, lines: 4 };

/** Cuts a text at the first rule that the name of a mailing list follows, close to the end of the text. */
export function cutFooter(text: string): string {
  const lines = text.split('\n');
  let cut = lines.length;
  let after = 0;
  for (let at = lines.length - 1; at > 0 && after <= FOOTER.characters; at--) {
    const line = lines[at] ?? '';
    const named = mention.exec(line)?.[0].length;
    if (named !== undefined && after + line.length - named <= FOOTER.characters)
      for (let above = Math.max(1, at - FOOTER.lines); above < at; above++)
        if (rule.test(lines[above] ?? '')) cut = Math.min(cut, above);
    after += line.length + 1;
  }
  return lines.slice(0, cut).join('\n');
}

const quote = /^[^\S\n]?>/;
/** Who is quoted ("On Monday … wrote:"). */
const attribution = /^[^>]{0,160}(?:wrote|writes|schrieb|said):\s*$/;
/** Characters of blank lines between the attribution and the quote, their ends included. */
const GAP = 4;

/** Leaves out lines that quote another mail, with the line that says whose. */
export function dropQuotes(text: string): string {
  const lines = text.split('\n');
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (quote.test(line)) continue;
    if (attribution.test(line)) {
      const quoted = afterGap(lines, at + 1);
      if (quote.test(lines[quoted] ?? '')) {
        at = quoted;
        continue;
      }
    }
    kept.push(line);
  }
  return kept.join('\n');
}

/** The first line from `at` on that is not blank, or that is too far away. */
function afterGap(lines: readonly string[], at: number): number {
  for (let gap = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    gap += line.length + 1;
    if (line.trim() !== '' || gap > GAP) break;
  }
  return at;
}
