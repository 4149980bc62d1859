import { expect, it } from 'vitest';
import { z85 } from './z85.js';

it('writes bytes as RFC 32 of ZeroMQ does', () => {
  expect(z85(Buffer.from('864FD26FB559F75B', 'hex'))).toBe('HelloWorld');
});
