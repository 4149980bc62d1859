import { writeFile } from 'node:fs/promises';
import { randomKey, RandomStream } from '@ringmaster/base';

const WORDS = 12_000;
const SYLLABLES = 'ba ce di fo gu ka le mi no pu ra se ti vo wu xa ze lim tor nas'.split(' ');

/**
 * Writes a text of about `characters` characters, a document a line: invented words whose frequencies fall as 1 / rank
 * (Zipf), so that a model has something to learn and a tokenizer finds thousands of tokens.
 */
export async function writeCorpus(path: string, characters: number): Promise<void> {
  const stream = new RandomStream(randomKey(0, 'corpus'));
  const words = Array.from({ length: WORDS }, (_, word) => spelling(word));
  const lines: string[] = [];
  let written = 0;
  for (let draw = 0; written < characters;) {
    const line: string[] = [];
    for (const end = draw + 200; draw < end; draw++) {
      const rank = Math.floor(WORDS ** stream.uniform(draw)) - 1;
      line.push(words[rank] ?? '');
    }
    const text = line.join(' ');
    lines.push(text);
    written += text.length + 1;
  }
  await writeFile(path, lines.join('\n'));
}

/** A word for each number; larger numbers have longer words. */
export function spelling(number: number): string {
  let word = '';
  for (let rest = number + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
  return word;
}
