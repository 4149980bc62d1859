import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { characters, lowerCase, normalForm, UNICODE_VERSION } from './unicode.js';

const everyCharacter = Array.from({ length: 0x110000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

const everyLine = everyCharacter.join('\n');

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('Unicode', () => {
  it('is that of the tables', () => {
    const version: unknown = createRequire(import.meta.url)(
      'regenerate-unicode-properties/unicode-version.js',
    );
    expect(version).toBe(UNICODE_VERSION);
  });

  // These hashes are of every version of Node: what fails here would give another manifest.
  it('has the same normal forms and small letters everywhere', () => {
    expect(digest(normalForm(everyLine, 'NFC'))).toBe(
      '900f12a0fd5b368b56e972d9dcc9cc0584951930f9d9724d079e44f36f332796',
    );
    expect(digest(normalForm(everyLine, 'NFD'))).toBe(
      '6c400351dcf21127bc0251b7408e3625300d504d1400ae85fdde0b986b1c97c4',
    );
    expect(digest(lowerCase(everyLine))).toBe(
      '32ea6aec2acbac2bd62a052fa2cfc385f29df6f543c8e018770da0c7d2dc1091',
    );
    const pairs = (everyLine.match(new RegExp(`[${characters.mark}]`, 'gu')) ?? []).map((mark) =>
      normalForm(`a\u0323${mark}\u0301`, 'NFC'),
    );
    expect(digest(pairs.join('\n'))).toBe(
      '67849d0232d64cdb373d9ba9f3c7c71034cf926254ac37e3c5b48b01173f2552',
    );
  });

  it('has the same white space for every reader', () => {
    expect(
      everyCharacter
        .join('')
        .match(/\s/g)
        ?.map((c) => c.codePointAt(0)),
    ).toEqual([
      9, 10, 11, 12, 13, 0x20, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
      0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
    ]);
  });

  it('normalises any number of marks in linear time, once and for all', () => {
    const text = `a${'\u0301\u0323'.repeat(100_000)}`;
    const once = normalForm(text, 'NFC');
    expect(normalForm(once, 'NFC')).toBe(once);
    expect(once.replaceAll('\u034f', '').length).toBeGreaterThan(199_990);
    expect(normalForm('e\u0301\u0323', 'NFC')).toBe('ẹ\u0301');
  });
});
