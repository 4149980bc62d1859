import { writeFile } from 'node:fs/promises';
import { randomKey, RandomStream } from '@ringmaster/base';

const WORDS = 12_000;
const SYLLABLES = 'ba ce di fo gu ka le mi no pu ra se ti vo wu xa ze lim tor nas'.split(' ');

/** Labels of texts that are classified. */
const LABELS = ['first', 'second', 'third'];
/** Words of a labelled text that its label alone has: one in so many. */
const TELLING = 8;

/**
 * Invented words whose frequencies fall as 1 / rank (Zipf), so that a model has something to learn and a tokenizer finds
 * thousands of tokens: a stream of them that is the same every time.
 */
class Words {
  readonly #stream = new RandomStream(randomKey(0, 'corpus'));
  readonly #words: readonly string[];
  #draw = 0;

  /** @param count Different ones. */
  constructor(count = WORDS) {
    this.#words = Array.from({ length: count }, (_, word) => spelling(word));
  }

  /** The next words, with spaces between them. */
  text(words: number): string {
    return Array.from({ length: words }, () => this.#next()).join(' ');
  }

  #next(): string {
    const rank = Math.floor(this.#words.length ** this.#stream.uniform(this.#draw++)) - 1;
    return this.#words[rank] ?? '';
  }
}

/**
 * Writes a text of about `characters` characters, a document a line.
 * @param vocabulary Tokens that a tokenizer is to find.
 */
export async function writeCorpus(
  path: string,
  characters: number,
  vocabulary = WORDS,
): Promise<void> {
  const words = new Words(Math.max(WORDS, vocabulary));
  const lines: string[] = [];
  for (let written = 0; written < characters;) {
    const text = words.text(200);
    lines.push(text);
    written += text.length + 1;
  }
  await writeFile(path, lines.join('\n'));
}

/** Writes JSON lines of sources and their targets, each of `length` words. */
export async function writePairs(path: string, documents: number, length: number): Promise<void> {
  const words = new Words();
  const lines = Array.from({ length: documents }, () =>
    JSON.stringify({ source: words.text(length), target: words.text(length) }),
  );
  await writeFile(path, lines.join('\n'));
}

/** Writes JSON lines of texts of up to `longest` words, each with a label that some of its words tell. */
export async function writeLabelled(
  path: string,
  documents: number,
  longest: number,
): Promise<void> {
  const words = new Words();
  const lines = Array.from({ length: documents }, (_, document) => {
    const label = LABELS[document % LABELS.length] ?? '';
    const parts = 1 + ((document * 7) % Math.floor(longest / TELLING));
    const text = Array.from({ length: parts }, () => `${words.text(TELLING - 1)} ${label}`);
    return JSON.stringify({ text: text.join(' '), label });
  });
  await writeFile(path, lines.join('\n'));
}

/** A word for each number; larger numbers have longer words. */
export function spelling(number: number): string {
  let word = '';
  for (let rest = number + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
  return word;
}
