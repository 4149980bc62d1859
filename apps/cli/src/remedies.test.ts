import { readFileSync } from 'node:fs';
import { errors } from '@ringmaster/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { commandLine } from './command-line.js';
import { inUsersForm } from './invocation.js';
import { verbOf } from './usage.js';

const program = await commandLine();
const remedies = Object.entries(errors).map(([code, { remedy }]) => [code, remedy] as const);

/** Commands of ours in a text, in words, as far as they go. */
const commandsIn = (text: string) =>
  [...text.matchAll(/(?<![\w./-])ringmaster(?<words>(?: [\w-]+)+)/g)].map(({ groups }) =>
    (groups?.['words'] ?? '').trim().split(' '),
  );

/** Scripts that a text has npm run. */
const scriptsIn = (text: string) =>
  [...text.matchAll(/npm run (?<name>[\w:-]+)/g)].map(({ groups }) => groups?.['name']);

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the remedy of every error', () => {
  it.each(remedies.filter(([, remedy]) => commandsIn(remedy).length > 0))(
    '%s names commands that there are: %s',
    (_, remedy) => {
      for (const words of commandsIn(remedy)) {
        if (words[0] === 'VERB') continue;
        const verb = verbOf(program, words);
        expect(verb, words.join(' ')).not.toBe(program);
        const known = verb.options.map(({ long }) => long);
        expect(known).toEqual(
          expect.arrayContaining(words.filter((word) => word.startsWith('--'))),
        );
      }
    },
  );

  it('writes each of them as the user has written this one', () => {
    for (const [, remedy] of remedies) {
      const count = commandsIn(remedy).length;
      vi.stubEnv('npm_command', 'exec');
      expect(inUsersForm(remedy).split('npx ringmaster ')).toHaveLength(count + 1);
      expect(inUsersForm(remedy).match(/(?<!npx )\bringmaster [a-zV]/g)).toBeNull();
      for (const other of [undefined, 'run-script', 'test']) {
        vi.stubEnv('npm_command', other);
        expect(inUsersForm(remedy)).toBe(remedy);
      }
    }
  });

  it('names scripts that there are', () => {
    const path = new URL('../../../package.json', import.meta.url);
    const { scripts } = JSON.parse(readFileSync(path, 'utf8')) as { scripts: object };
    const named = remedies.flatMap(([, remedy]) => scriptsIn(remedy));
    expect(named).toContain('provision');
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});
