import type { CleaningRule } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalForm } from '../text/unicode.js';
import { cleanText, MARKUP, PLAIN } from './clean.js';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

describe('cleanText', () => {
  it('changes nothing the second time, and leaves normal form C', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = cleanText(text, PLAIN).text;
        expect(cleanText(once, PLAIN)).toEqual({ text: once, changed: [] });
        expect(once).toBe(normalForm(once, 'NFC'));
      }),
    );
  });

  it('keeps the indentation and the lines of plain text', () => {
    const poem = 'a\n    b  c\n\n<b> > d';
    expect(cleanText(poem, PLAIN)).toEqual({ text: poem, changed: [] });
  });

  it.each([
    ['html', 'a <b>bold</b> &amp; <a href="x">link</a>', 'a bold & link'],
    ['html', '<style type="x">p { }</style>text <!-- note -->', 'text'],
    ['html', 'if a < b and vector<int> x; you@example.com', null],
    ['quoted-reply', 'Yes.\n\nOn Monday Ann wrote:\n> really?\n> really\n\nBye', 'Yes.\n\nBye'],
    ['quoted-reply', 'a -> b > c', null],
    ['list-footer', `Hi\n${'_'.repeat(40)}\nX mailing list\nhttp://x/listinfo/x`, 'Hi'],
    ['encoded-attachment', `see\n${`${'QUJD'.repeat(18)}\n`.repeat(4)}QUI=\nend`, 'see\n\nend'],
    ['control-characters', 'half \ud83d 🎉', 'half 🎉'],
    ['control-characters', 'a\u200bb\u0007c\ufeff', 'abc'],
    ['unicode-nfc', 'cafe\u0301', 'café'],
    ['whitespace', 'a \t b\u00a0c  \r\n\r\n\r\n\r\n d', 'a b c\n\nd'],
  ] as const)('of mails: %s in %j', (rule, text, expected) => {
    const cleaned = cleanText(text, MARKUP);
    expect(cleaned.text).toBe(expected ?? text);
    expect(cleaned.changed.includes(rule)).toBe(expected !== null);
  });

  it('takes time linear in the text, whatever the text', () => {
    const units = [
      '<a ',
      '>',
      '\n',
      ' ',
      '_',
      '<!--',
      '&',
      'QUJD',
      '> \n',
      'x wrote:\n',
      '\u0301\u0323',
      '<script>',
      '</script ',
      'a wrote:  ',
      'listinfo',
      `${'_'.repeat(20)}\n`,
      'begin 644 a\n!\n',
    ];
    for (const unit of units)
      for (const around of ['', 'word'])
        for (const cleaning of [PLAIN, MARKUP]) {
          const text = around + unit.repeat(100_000) + around;
          const cleaned = cleanText(text, cleaning).text;
          expect(cleaned.length).toBeLessThanOrEqual(2 * text.length);
        }
    const million = `left${' '.repeat(1_000_000)}right`;
    expect(cleanText(million, PLAIN).text).toBe(million);
    expect(cleanText(million, MARKUP).text).toBe('left right');
    const lines = `${'a'.repeat(76)}\n`.repeat(200_000);
    expect(cleanText(lines, MARKUP).text).toBe('');
  });

  /** What the rules by lines do, as patterns: easy to read, but they look at some texts again and again. */
  const patterns: readonly (readonly [CleaningRule, readonly RegExp[]])[] = [
    [
      'encoded-attachment',
      [
        /(?:^[A-Za-z0-9+/]{56,80}\n){3,}(?:^[A-Za-z0-9+/]{1,79}={0,2}$)?/gm,
        /^begin [0-7]{3} \S.*\n(?:[ -`]{1,62}\n)+?end$/gm,
      ],
    ],
    ['list-footer', [/\n[_-]{20,}\n(?:.*\n){0,3}?.*(?:mailing list|listinfo)[^]{0,400}$/i]],
    [
      'quoted-reply',
      [
        /(?:^[^\n>]{0,160}(?:wrote|writes|schrieb|said):[^\S\n]*\n\s{0,4})?(?:^[^\S\n]?>.*(?:\n|$))+/gm,
      ],
    ],
  ];
  const line = fc.oneof(
    fc.constantFrom('QUJD'.repeat(16), 'QUI=', 'begin 644 a', '!AB`', 'end', '', ' ', '  ', 'text'),
    fc.constantFrom(
      '_'.repeat(24),
      '-'.repeat(20),
      'The mailing list',
      'http://x/listinfo/y and more',
    ),
    fc.constantFrom(
      '> quoted',
      ' > quoted',
      '>',
      'On Monday Ann wrote:',
      'he said:  ',
      'x'.repeat(390),
    ),
  );
  it.each(patterns)('is by lines what %s is by patterns', (rule, expressions) => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), (lines) => {
        const text = lines.join('\n');
        const expected = expressions.reduce((left, pattern) => left.replace(pattern, ''), text);
        expect(cleanText(text, [rule]).text.trimEnd()).toBe(expected.trimEnd());
      }),
      { numRuns: 3000 },
    );
  });
});
