import { expect, it } from 'vitest';
import { parseByteSize } from './byte-size.js';

it.each([
  ['0B', 0],
  ['500MB', 500e6],
  ['20 GB', 20e9],
  ['1.5TB', 1.5e12],
])('a size such as %s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

it.each(['', '5', '5 mb', '-1GB', '1e3MB', 'GB', '5GiB', '5GB ', '9008TB'])(
  '%j is no size',
  (text) => {
    expect(parseByteSize(text)).toBeNull();
  },
);
