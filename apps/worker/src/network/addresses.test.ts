import { expect, it } from 'vitest';
import { addressTowards, isOwnAddress } from './addresses.js';

it.each([
  ['127.0.0.1', true],
  ['192.0.2.1', false],
  ['::1', true],
  ['2001:db8::1', false],
])('%s is an address of this host: %s', async (address, isOwn) => {
  expect(await isOwnAddress(address)).toBe(isOwn);
});

it('packets to this host have an address of it as their source', async () => {
  expect(await isOwnAddress(await addressTowards('tcp://127.0.0.1:4000'))).toBe(true);
});
