import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText } from './clean.js';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

describe('cleanText', () => {
  it('changes nothing the second time, and leaves normal form C', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = cleanText(text, false).text;
        expect(cleanText(once, false)).toEqual({ text: once, changed: [] });
        expect(once).toBe(once.normalize('NFC'));
      }),
    );
  });

  it('keeps the indentation and the lines of plain text', () => {
    const poem = 'a\n    b  c\n\n<b> > d';
    expect(cleanText(poem, false)).toEqual({ text: poem, changed: [] });
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
    const cleaned = cleanText(text, true);
    expect(cleaned.text).toBe(expected ?? text);
    expect(cleaned.changed.includes(rule)).toBe(expected !== null);
  });

  it('takes time linear in the text, whatever the text', () => {
    for (const unit of ['<a ', '>', '\n', ' ', '_', '<!--', '&', 'QUJD', '> \n', 'x wrote:\n'])
      expect(cleanText(unit.repeat(100_000), true).text.length).toBeLessThanOrEqual(400_000 * 3);
  });
});
