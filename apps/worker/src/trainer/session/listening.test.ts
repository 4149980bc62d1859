import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { listening } from './listening.js';

const anywhere = { address: null, ports: null };
const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

describe('a ring', () => {
  it.each([
    ['tcp://127.0.0.1:4000', '127.0.0.1'],
    ['tcp://localhost:4000', expect.stringMatching(/^127\.|^::1$/) as string],
    ['tcp://[::1]:4000', '::1'],
  ])('of a coordinator at %s listens on loopback, and seals nothing', async (control, host) => {
    expect(await listening({ ...anywhere, control })).toEqual({ host, seal: false });
  });

  it.skipIf(own === undefined)(
    'of a coordinator that is reached from an address listens there, and is sealed',
    async () => {
      const place = { ...anywhere, control: `tcp://${own ?? ''}:4000` };
      expect(await listening(place)).toEqual({ host: own, seal: true });
    },
  );

  it('listens where it is told to', async () => {
    const ports = { first: 4000, last: 4010 };
    const place = { control: 'tcp://127.0.0.1:4000', address: '192.0.2.1', ports };
    expect(await listening(place)).toEqual({ host: '192.0.2.1', seal: true, ports });
  });

  it('that finds no way to the coordinator says so', async () => {
    await expect(
      listening({ ...anywhere, control: 'tcp://no-such-host.invalid:4000' }),
    ).rejects.toMatchObject({ code: 'RING_BIND_FAILED' });
  });
});
