import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directory } from './pages.js';

// The diffs that guides show are parts of those that added a family and a task. What they add has to be in the code still.

const root = join(directory, '../..');

/** Lines in a row that a diff adds, and whether they took the place of others. */
interface Addition {
  readonly path: string;
  readonly lines: readonly string[];
  readonly isChange: boolean;
}

/** What the diffs of a guide add. */
function additionsIn(guide: string): Addition[] {
  const additions: { path: string; lines: string[]; isChange: boolean }[] = [];
  for (const [, diff = ''] of guide.matchAll(/^```diff\n(.*?)^```$/gms)) {
    let path = '';
    let before = '';
    for (const line of diff.split('\n')) {
      if (line.startsWith('+++ b/')) path = line.slice('+++ b/'.length);
      else if (line.startsWith('+') && before === '+') additions.at(-1)?.lines.push(line.slice(1));
      else if (line.startsWith('+'))
        additions.push({ path, lines: [line.slice(1)], isChange: before === '-' });
      before = line.startsWith('+++') ? '' : line.slice(0, 1);
    }
  }
  return additions;
}

const wordsOf = (text: string): string[] => text.match(/[\w-]+/g) ?? [];

describe.each(['add-a-family.md', 'add-a-task.md'])('%s', (name) => {
  it('shows what is in the code', async () => {
    const additions = additionsIn(await readFile(join(root, 'docs/guides', name), 'utf8'));
    expect(additions.length).toBeGreaterThan(5);
    for (const { path, lines, isChange } of additions) {
      const code = await readFile(join(root, path), 'utf8');
      // A list that was added to goes on growing: the words that were added are there, whatever has come since.
      if (isChange)
        expect(wordsOf(code), path).toEqual(expect.arrayContaining(wordsOf(lines.join())));
      else expect(code, path).toContain(lines.join('\n'));
    }
  });
});
