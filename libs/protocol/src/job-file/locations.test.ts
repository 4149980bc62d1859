import { describe, expect, it } from 'vitest';
import { isLocation, parseLocation } from './locations.js';

const hash = 'ab'.repeat(32);

describe('isLocation', () => {
  it.each(['https://a/b', 'HTTP://a', 's3://bucket', 'hf://x/y', 'file:///a'])('%s', (entry) => {
    expect(isLocation(entry)).toBe(true);
  });
  it.each(['a/b.txt', '/a//b', '!s3://bucket/x', './http:/a', 'C:/a', '**/*.txt'])(
    'not %s',
    (entry) => {
      expect(isLocation(entry)).toBe(false);
    },
  );
});

describe('parseLocation', () => {
  it('reads a URL with its hash, and shows it without what may be a secret', () => {
    expect(parseLocation(`https://host.example:8443/a%20b/c.jsonl?token=x#sha256=${hash}`)).toEqual(
      {
        kind: 'web',
        url: 'https://host.example:8443/a%20b/c.jsonl?token=x',
        sha256: hash,
        shown: 'https://host.example:8443/a%20b/c.jsonl',
      },
    );
  });

  it.each([
    ['s3://bucket/a b/c.jsonl', 'a b/c.jsonl', null],
    [`s3://bucket/c#1.jsonl#sha256=${hash}`, 'c#1.jsonl', hash],
    ['s3://bucket/texts/', 'texts/', null],
    ['s3://bucket', '', null],
    ['s3://bucket/**/*.jsonl?', '**/*.jsonl?', null],
  ])('reads %s', (entry, key, sha256) => {
    const location = { kind: 'bucket', bucket: 'bucket', key, sha256, shown: `s3://bucket/${key}` };
    expect(parseLocation(entry)).toEqual(location);
  });

  it.each([
    ['https://host/a.jsonl', /no SHA-256/],
    ['https://host/a.jsonl#sha256=abc', /64 hex digits/],
    ['https://host/a.jsonl#part', /64 hex digits/],
    [`ftp://host/a#sha256=${hash}`, /ftp is not read/],
    [`https://user:geheim@host/a#sha256=${hash}`, /a user or a password/],
    [`https://geheim@host/a?geheim#sha256=${hash}`, /a user or a password/],
    ['https://user:geheim@[bad/a', /it is no URL/],
    ['s3://b/x', /no name of a bucket/],
    ['s3:///x', /no name of a bucket/],
    [`s3://bucket/texts/#sha256=${hash}`, /several/],
    ['s3://bucket/x#sha256=12', /64 hex digits/],
  ])('refuses %s', (entry, reason) => {
    const thrown = () => parseLocation(entry);
    expect(thrown).toThrow(expect.objectContaining({ code: 'DATA_LOCATION_INVALID' }));
    expect(thrown).toThrow(reason);
    expect(thrown).not.toThrow(/geheim/);
  });
});
