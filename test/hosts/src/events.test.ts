import { expect, it } from 'vitest';
import { schedule } from './events.js';

it('a schedule is what its seed says, has every kind, and ends what it begins', () => {
  const hosts = ['one', 'two', 'three'];
  const events = schedule(7, 50, hosts, 'seat');
  expect(events).toEqual(schedule(7, 50, hosts, 'seat'));
  expect(events).not.toEqual(schedule(8, 50, hosts, 'seat'));
  expect(new Set(events.map(({ kind }) => kind)).size).toBe(7);
  for (const event of events) {
    const isOfSeat = event.kind === 'seat-away' || event.kind === 'kill-coordinator';
    if (event.kind !== 'slow-link') expect(event.host === 'seat').toBe(isOfSeat);
    if (event.kind === 'half-link') expect(event.to).not.toBe(event.host);
  }
});
