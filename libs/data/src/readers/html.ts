import { Tokenizer } from 'htmlparser2';

/** Line breaks before and after an element's content; an element that is not named here stands in the line. */
const breaks = new Map<string, number>([
  ...among('p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr', 2),
  ...among('address article aside body caption center dd div dt fieldset figcaption figure', 1),
  ...among('footer form header html li main nav option section summary tbody textarea', 1),
  ...among('tfoot thead tr', 1),
]);
const cells = new Set(['td', 'th']);
const withoutText = new Set(['script', 'style', 'title']);

/**
 * Text of an HTML page or mail part, as lines and paragraphs. Scripts, styles, images and the addresses of links are left
 * out. Takes one pass over the markup and keeps no tree, so depth costs nothing and a broken nesting changes nothing else.
 */
export function htmlToText(html: string): string {
  const text = new TextBuilder();
  /** Elements `pre` that are open. */
  let preformatted = 0;
  /** The element whose content is being left out. */
  let within: string | null = null;
  const name = (start: number, end: number) => html.slice(start, end).toLowerCase();
  const nothing = () => undefined;

  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ontext: (start, end) => {
        if (within === null) text.add(html.slice(start, end), preformatted > 0);
      },
      ontextentity: (codePoint) => {
        if (within === null) text.add(String.fromCodePoint(codePoint), true);
      },
      onopentagname: (start, end) => {
        if (within !== null) return;
        const tag = name(start, end);
        if (withoutText.has(tag)) within = tag;
        if (tag === 'br') text.lineBreak();
        text.breakLines(breaks.get(tag) ?? 0);
        if (tag === 'pre') preformatted++;
        if (tag === 'li') text.add('* ', false);
        if (cells.has(tag)) text.add(' ', false);
      },
      onclosetag: (start, end) => {
        const tag = name(start, end);
        if (within !== null) {
          if (tag === within) within = null;
          return;
        }
        if (tag === 'pre') preformatted = Math.max(0, preformatted - 1);
        text.breakLines(breaks.get(tag) ?? 0);
      },
      onattribdata: nothing,
      onattribentity: nothing,
      onattribend: nothing,
      onattribname: nothing,
      oncdata: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onopentagend: nothing,
      onselfclosingtag: nothing,
      onprocessinginstruction: nothing,
      onend: nothing,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  return text.toString();
}

function among(tags: string, count: number): [string, number][] {
  return tags.split(' ').map((tag) => [tag, count]);
}

/** White space of HTML, which is fewer characters than that of JavaScript. */
const space = /[ \t\n\r\f]+/g;

/** Puts words and line breaks together as a browser does: white space is one blank, and none at the ends of a line. */
class TextBuilder {
  readonly #parts: string[] = [];
  #breaks = 0;
  #blank = false;

  add(text: string, verbatim: boolean): void {
    if (verbatim) {
      this.#append(text);
      return;
    }
    const words = text.replace(space, ' ');
    const content = words.trim() === '' ? '' : words;
    if (words.startsWith(' ')) this.#blank = true;
    if (content === '') return;
    const end = words.endsWith(' ') ? words.length - 1 : words.length;
    this.#append(words.slice(words.startsWith(' ') ? 1 : 0, end));
    this.#blank = words.endsWith(' ');
  }

  /** At least as many line breaks before whatever comes next; those of neighbours are not added up. */
  breakLines(count: number): void {
    this.#breaks = Math.max(this.#breaks, count);
  }

  lineBreak(): void {
    this.#breaks++;
  }

  toString(): string {
    return this.#parts.join('');
  }

  #append(text: string): void {
    if (this.#parts.length > 0) {
      if (this.#breaks > 0) this.#parts.push('\n'.repeat(Math.min(this.#breaks, MOST_BREAKS)));
      else if (this.#blank) this.#parts.push(' ');
    }
    this.#breaks = 0;
    this.#blank = false;
    this.#parts.push(text);
  }
}

/** Blank lines beyond one say nothing. */
const MOST_BREAKS = 2;
