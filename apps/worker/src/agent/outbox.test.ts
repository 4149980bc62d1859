import fc from 'fast-check';
import type { WorkerMessage } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';

const numbered = (number: number): WorkerMessage => ({
  type: 'trainer-silent',
  trainer: String(number),
  seconds: 0,
});

const happening = fc.oneof(
  { weight: 5, arbitrary: fc.constant('tell' as const) },
  { weight: 3, arbitrary: fc.constant('heartbeat' as const) },
  { weight: 3, arbitrary: fc.constant('deliver' as const) },
  { weight: 3, arbitrary: fc.constant('answer' as const) },
  { weight: 1, arbitrary: fc.constant('break' as const) },
);

describe('the outbox', () => {
  it('loses nothing that anyone is told over connections that break, and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 200 }), (happenings) => {
        const outbox = new Outbox();
        const arrived: string[] = [];
        const settled: string[] = [];
        let told = 0;
        /** What is on its way: a message, or a heartbeat. */
        let wire: (WorkerMessage | null)[] = [];
        let answers = 0;
        const deliver = () => {
          const next = wire.shift();
          if (next === null) answers++;
          else if (next?.type === 'trainer-silent') arrived.push(next.trainer);
        };
        const reconnect = () => {
          answers = 0;
          wire = [...outbox.restart()];
        };
        for (const what of happenings) {
          if (what === 'tell') {
            const message = numbered(told++);
            outbox.add(message);
            wire.push(message);
          } else if (what === 'heartbeat') {
            outbox.heartbeatSent();
            wire.push(null);
          } else if (what === 'deliver') deliver();
          else if (what === 'answer' && answers > 0) {
            answers--;
            for (const message of outbox.heartbeatAnswered())
              if (message.type === 'trainer-silent') settled.push(message.trainer);
            expect(arrived).toEqual(expect.arrayContaining(settled));
          } else if (what === 'break') reconnect();
        }
        reconnect();
        while (wire.length > 0) deliver();
        // In order of their first arrival, and none is missing.
        expect([...new Set(arrived)]).toEqual(Array.from({ length: told }, (_, at) => String(at)));
      }),
    );
  });
});
