import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { languageDetector, languageFilter } from './language.js';
import { c4Lines, withoutDuplicateLines } from './lines.js';
import { hasStopWords, isC4Page, isGopherQuality, isOfLength } from './quality.js';
import { isGopherVaried } from './repetition.js';

const good = 'The quick brown fox jumps over the lazy dog.';

describe('filters of lines', () => {
  it.each([
    [good, good],
    ['Home | About | Contact us today', ''],
    ['Short line here.', ''],
    [`${good}..`, ''],
    ['He said to me that "this is it"', 'He said to me that "this is it"'],
    ['Please enable JavaScript in your web browser now.', ''],
    ['By reading on you accept our terms of use.', ''],
    [`A word of ${'x'.repeat(1001)} is far too long here.`, ''],
    [
      'It was found in Rome [1] and in Athens.[23][citation needed]',
      'It was found in Rome  and in Athens.',
    ],
  ])('C4 makes of %j %j', (line, expected) => {
    expect(c4Lines(`${good}\nMenu\n${line}\n`)).toBe(
      expected === '' ? good : `${good}\n${expected}`,
    );
  });

  const line = fc.constantFrom('', '  ', 'a', ' a', 'b ', 'c c', 'D.');
  it('leave out each line that was there before, and no other', () => {
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const left = withoutDuplicateLines(lines.join('\n')).split('\n');
        const expected = lines.filter(
          (each, at) =>
            each.trim() === '' || lines.findIndex((other) => other.trim() === each.trim()) === at,
        );
        expect(left).toEqual(expected.length === 0 ? [''] : expected);
      }),
    );
  });

  it('change nothing the second time', () => {
    const sentence = fc.constantFrom(
      good,
      'Menu',
      `${good} [1]`,
      '',
      'one two three four five!',
      '[edit]',
    );
    fc.assert(
      fc.property(fc.array(sentence), (lines) => {
        for (const filter of [c4Lines, withoutDuplicateLines]) {
          const once = filter(lines.join('\n'));
          expect(filter(once)).toBe(once);
        }
      }),
    );
  });
});

/** Words of which no two in a row are the same as another two. */
const varied = (count: number) => Array.from({ length: count }, (_, at) => `word${at}a`);
const prose = (count: number) => `the ${varied(count - 2).join(' ')} and`;

describe('filters of documents', () => {
  it.each([
    ['three sentences', `${good} ${good} Is it? `, true],
    ['two sentences', `${good} ${good}`, false],
    ['a curly bracket', `${good} ${good} ${good} {`, false],
    ['filler', `${good} ${good} Lorem Ipsum dolor.`, false],
  ])('C4: %s', (_, text, expected) => {
    expect(isC4Page(text)).toBe(expected);
  });

  it.each([
    ['50 words', prose(50), true],
    ['49 words', prose(49), false],
    ['100,001 words', prose(100_001), false],
    ['short words', 'a bc '.repeat(40), false],
    ['long words', 'abcdefghijklm '.repeat(60), false],
    ['hashes', `${prose(60)} # # # # # # #`, false],
    ['ellipses', `${prose(60)} ${'wait... '.repeat(8)}`, false],
    [
      'bullets',
      varied(60)
        .map((word) => `• ${word} and more`)
        .join('\n'),
      false,
    ],
    ['lines that are cut off', `${prose(60)}\nmore…\n${prose(30)}`, false],
    ['numbers', `${prose(50)} ${'12345 '.repeat(20)}`, false],
  ])('Gopher quality: %s', (_, text, expected) => {
    expect(isGopherQuality(text)).toBe(expected);
  });

  it('Gopher asks for two English stop words', () => {
    expect(hasStopWords('The end of it')).toBe(true);
    expect(hasStopWords('the cat')).toBe(false);
    expect(hasStopWords('der Hund und die Katze')).toBe(false);
  });

  it.each([
    ['varied words', varied(200).join(' '), true],
    ['a few words', 'one two', true],
    ['lines again', `${varied(30).join(' ')}\n${'again\n'.repeat(20)}`, false],
    ['paragraphs again', Array(4).fill(varied(20).join(' ')).join('\n\n'), false],
    [
      'two words again and again',
      `${varied(20).join(' ')} ${varied(30)
        .map((word) => `of the ${word}`)
        .join(' ')}`,
      false,
    ],
    ['a long phrase twice', `${varied(30).join(' ')} now ${varied(30).join(' ')}`, false],
    ['a short phrase twice', `${varied(100).join(' ')} now ${varied(6).join(' ')}`, true],
  ])('Gopher repetition: %s', (_, text, expected) => {
    expect(isGopherVaried(text)).toBe(expected);
  });

  it('judge repetition as counting every pair of n-grams does', () => {
    const n = 5;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('aaaa', 'bbbb', 'cccc', 'dddd', 'eeee', 'ffff', 'gggg'), {
          minLength: 1,
          maxLength: 40,
        }),
        (words) => {
          const gram = (at: number) => words.slice(at, at + n).join(' ');
          const again = words.map((_, word) => {
            const starts = Array.from({ length: n }, (__, before) => word - before).filter(
              (at) => at >= 0 && at + n <= words.length,
            );
            return starts.some((at) =>
              Array.from({ length: at }, (___, other) => gram(other)).includes(gram(at)),
            );
          });
          const share = (5 * again.filter(Boolean).length) / words.join(' ').length;
          if (share > 0.15) expect(isGopherVaried(words.join(' '))).toBe(false);
        },
      ),
    );
  });

  it('count characters as Unicode does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(12), (text, bound) => {
        const length = Array.from(text).length;
        expect(isOfLength(text, { minimum: bound })).toBe(length >= bound);
        expect(isOfLength(text, { maximum: bound })).toBe(length <= bound);
      }),
    );
  });

  it('tell languages', async () => {
    const languageOf = await languageDetector();
    const texts = {
      en: 'All human beings are born free and equal in dignity and rights.',
      de: 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.',
      fr: 'Tous les êtres humains naissent libres et égaux en dignité et en droits.',
      ru: 'Все люди рождаются свободными и равными в своем достоинстве и правах.',
      zh: '人人生而自由，在尊严和权利上一律平等。',
    };
    for (const [language, text] of Object.entries(texts)) expect(languageOf(text)).toBe(language);
    expect(languageOf('12345')).toBe('');
    const isWanted = await languageFilter(['en', 'fr']);
    expect(Object.values(texts).map(isWanted)).toEqual([true, false, true, false, false]);
  });

  it('take time linear in the text, whatever the text', async () => {
    const languageOf = await languageDetector();
    const units = [
      'a',
      ' ',
      '\n',
      'a ',
      'a\n',
      '.',
      '."',
      '[',
      '[1',
      '{',
      '…',
      'a b. ',
      '\n\n',
      'abcde fghij ',
    ];
    for (const unit of units) {
      const text = unit.repeat(50_000);
      const judged = [isC4Page, isGopherQuality, hasStopWords, isGopherVaried].map((keeps) =>
        keeps(text),
      );
      expect(judged).toHaveLength(4);
      expect(c4Lines(text).length).toBeLessThanOrEqual(text.length);
      expect(withoutDuplicateLines(text).length).toBeLessThanOrEqual(text.length);
      expect(languageOf(text)).toBeTypeOf('string');
    }
  });
});
