import { errors, faultOf, type CoordinatorMessage, type WorkerMessage } from '@ringmaster/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { launchFor } from '../fixtures/job-files.test.fixture.js';
import type { FleetEvent } from './event.js';
import { Fleet } from './fleet.js';

const LEASE_MS = 3000;
const MINUTE_MS = 60_000;

function inWords(event: FleetEvent): string | null {
  switch (event.type) {
    case 'trainer-message':
      return `${event.trainer} says ${event.message.type}`;
    case 'trainer-gone':
      return `${event.trainer} ${event.departure.cause}`;
    case 'worker-reported':
      return `holds ${event.held.join()}`;
    case 'checkpoints-kept':
      return `${event.checkpoints.length} kept`;
    case 'trainers-released':
      return `${event.trainers.join()} released: ${event.reason}`;
    case 'task-failed':
      return `${event.worker} fails at ${event.lease}: ${event.reason}`;
    case 'worker-registered':
      return null;
    case 'worker-quarantined':
      return event.what;
    case 'log':
    case 'slots-changed':
      return null;
  }
}

/** A fleet with its clock in hand, which notes everything that it says. */
function scene() {
  const told: string[] = [];
  const sent: { peer: string; message: CoordinatorMessage }[] = [];
  const wanted = new Set<string>();
  const time = { now: 0 };
  const fleet = new Fleet({
    version: '1',
    leaseMs: LEASE_MS,
    admit: () => ({ token: null }),
    log: pino({ level: 'silent' }),
    artifacts: () => ({ url: '', directory: '', cluster: 'c', fingerprint: null }),
    send: (peer, message) => sent.push({ peer, message }),
    clock: () => time.now,
    isWanted: (trainer) => wanted.has(trainer),
    onEvent: (event) => {
      const words = inWords(event);
      if (words !== null) told.push(words);
    },
  });
  const say = (message: WorkerMessage, peer = 'a') => {
    fleet.onMessage(peer, message);
  };
  const register = (trainers: string[] = [], peer = 'a') => {
    say(
      {
        type: 'register',
        version: '1',
        token: null,
        machine: 'm',
        host: 'h',
        slots: 2,
        threads: 1,
        processor: 'x64',
        memory: null,
        tasks: null,
        namespace: 'n',
        pid: 1,
        startTime: 1,
        device: 'cpu',
        checkpoints: [],
        trainers: trainers.map((trainer) => ({ trainer, job: 'j', pid: 1 })),
      },
      peer,
    );
    return fleet.workers.present()[0]?.id ?? '';
  };
  const pass = (ms: number) => {
    for (const end = time.now + ms; time.now < end; time.now += 250) {
      fleet.tick();
      say({ type: 'heartbeat' });
    }
    fleet.tick();
  };
  const exit = (trainer: string) => {
    say({
      type: 'trainer-exited',
      trainer,
      code: 1,
      signal: null,
      lastLines: [],
      rssBytes: null,
      outOfMemory: false,
    });
  };
  const progress = (trainer: string, steps: 0 | 1) => {
    const report = {
      step: 1,
      loss: 1,
      counted: 1,
      tokens: 1,
      learningRate: 1,
      gradientNorm: 1,
      attempts: 1,
      startedAt: 0,
      seconds: 1,
      ringBytes: 1,
      ringSeconds: 0.01,
      microbatches: 1,
      nonFinite: null,
      ledger: { samples: 1, digest: 1 },
      phases: { compute: 1, quantise: 0, send: 0, wait: 0, update: 0 },
    };
    const reports = Array.from({ length: steps }, () => report);
    const message = { type: 'progress', generation: 1, rank: 0, steps: reports, evaluations: [] };
    say({ type: 'trainer-message', trainer, message: message as never });
  };
  return { fleet, told, sent, wanted, time, say, register, pass, exit, progress };
}

describe('a worker that registers again', () => {
  it('is asked for its trainers once it has told everything that it had to tell', () => {
    const { told, wanted, say, register, exit } = scene();
    for (const trainer of ['t1', 't2']) wanted.add(trainer);
    register(['t2']);
    expect(told).toEqual(['0 kept']);
    const message = { type: 'retired', generation: 1, step: 1 } as const;
    say({ type: 'trainer-message', trainer: 't1', message });
    exit('t1');
    say({ type: 'heartbeat' });
    say({ type: 'heartbeat' });
    expect(told.slice(1)).toEqual(['t1 says retired', 't1 exited', 'holds t2']);
  });

  it('while the cluster goes down has to go as well', () => {
    const { fleet, sent, register } = scene();
    fleet.shutdown();
    register();
    expect(sent.map(({ message }) => message.type)).toEqual(['registered', 'shutdown']);
  });

  it('has its unwanted trainers ended', () => {
    const { sent, register } = scene();
    register(['t1']);
    expect(sent.at(-1)?.message).toEqual({ type: 'end-trainer', trainer: 't1' });
  });

  it('because it was not answered yet keeps what it was told to launch meanwhile', () => {
    const { fleet, told, wanted, say, register } = scene();
    wanted.add('t1');
    fleet.launch(register(), launchFor('t1'));
    register();
    say({ type: 'heartbeat' });
    expect(told.at(-1)).toBe('holds t1');
    expect(fleet.workers.offers()[0]?.free).toBe(1);
    register([], 'b');
    say({ type: 'heartbeat' }, 'b');
    expect(told.at(-1)).toBe('holds ');
  });

  it('soon after its connection broke has lost nobody', () => {
    const { fleet, told, sent, wanted, time, say, register, pass } = scene();
    const id = register();
    fleet.launch(id, launchFor('t1'));
    wanted.add('t1');
    pass(1000);
    fleet.onUnreachable('a');
    time.now += 250;
    fleet.tick();
    say({ type: 'heartbeat' });
    expect(sent.at(-1)?.message).toEqual({ type: 'heard', known: false });
    register(['t1'], 'b');
    say({ type: 'heartbeat' }, 'b');
    expect(told.filter((text) => text.startsWith('t1'))).toEqual([]);
    expect(told.at(-1)).toBe('holds t1');
  });

  it('is lost when it does not do so soon', () => {
    const { fleet, told, register, time, pass } = scene();
    fleet.launch(register(), launchFor('t1'));
    pass(1000);
    fleet.onUnreachable('a');
    for (let ms = 0; ms <= 500; ms += 250) {
      time.now += 250;
      fleet.tick();
    }
    expect(told.at(-1)).toBe('t1 worker-lost');
  });
});

describe('a worker that leaves', () => {
  it('is given no trainers, and those that it has are released', () => {
    const { fleet, told, say, register } = scene();
    const id = register();
    fleet.launch(id, launchFor('t1'));
    expect(fleet.offers()).toMatchObject([{ free: 1 }]);
    say({ type: 'leaving' });
    expect(fleet.offers()).toEqual([]);
    expect(fleet.workers.views()).toMatchObject([{ state: 'leaving' }]);
    expect(told.at(-1)).toBe(`t1 released: worker ${id} leaves`);
    say({ type: 'leave' });
    expect(fleet.workers.views()).toMatchObject([{ state: 'left' }]);
  });
});

describe('a trainer that is silent', () => {
  it('is gone at once, and keeps its slot until it has exited', () => {
    const { fleet, told, say, register, exit } = scene();
    fleet.launch(register(), launchFor('t1'));
    say({ type: 'trainer-silent', trainer: 't1', seconds: 3.1 });
    expect(told.at(-1)).toBe('t1 silent');
    expect(fleet.offers()).toMatchObject([{ free: 1 }]);
    exit('t1');
    expect(fleet.offers()).toMatchObject([{ free: 2 }]);
  });
});

describe('a worker on which trainers die', () => {
  const isQuarantined = (told: readonly string[]) =>
    told.some((text) => text.includes('quarantined'));

  it('is quarantined after five in a row that made no step, whatever their job', () => {
    const end = fc.constantFrom(
      'exited' as const,
      'silent' as const,
      'failed' as const,
      'ended' as const,
      'stepped' as const,
    );
    fc.assert(
      fc.property(fc.array(end, { maxLength: 30 }), (ends) => {
        const { fleet, told, say, register, exit, progress } = scene();
        const id = register();
        let inARow = 0;
        for (const [number, how] of ends.entries()) {
          const trainer = `t${number}`;
          fleet.launch(id, launchFor(trainer));
          if (how === 'silent') say({ type: 'trainer-silent', trainer, seconds: 3 });
          if (how === 'failed') {
            const error = { code: 'INTERNAL', message: '', remedy: '', detail: null };
            say({
              type: 'trainer-message',
              trainer,
              message: { type: 'failed', generation: 0, step: 0, fatal: false, blames: [], error },
            });
          }
          if (how === 'ended' || how === 'failed') fleet.end(trainer);
          progress(trainer, how === 'stepped' ? 1 : 0);
          exit(trainer);
          if (how === 'stepped') inARow = 0;
          else if (how !== 'ended') inARow++;
          if (inARow === 5) break;
        }
        expect(isQuarantined(told)).toBe(inARow === 5);
        expect(fleet.offers()).toHaveLength(inARow === 5 ? 0 : 1);
      }),
    );
  });

  it('is not quarantined for what a job or an artifact is at fault for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(errors)),
        fc.integer({ min: 5, max: 12 }),
        (code, times) => {
          const { fleet, told, say, register, exit } = scene();
          const id = register();
          const fault = faultOf(code);
          for (let number = 0; number < times; number++) {
            const trainer = `t${number}`;
            fleet.launch(id, launchFor(trainer));
            const error = { code, message: '', remedy: '', detail: null };
            const fatal = fault === 'job';
            const failed = { type: 'failed' as const, generation: 0, step: 0, fatal, blames: [] };
            say({ type: 'trainer-message', trainer, message: { ...failed, error } });
            exit(trainer);
            if (isQuarantined(told)) break;
          }
          expect(isQuarantined(told)).toBe(fault === null);
        },
      ),
    );
  });

  it('takes trainers again after ten minutes, and not by registering again', () => {
    const { fleet, register, exit, pass } = scene();
    const id = register();
    for (const trainer of ['t1', 't2', 't3', 't4', 't5']) {
      fleet.launch(id, launchFor(trainer));
      exit(trainer);
    }
    register();
    pass(9 * MINUTE_MS);
    expect(fleet.workers.views()).toMatchObject([{ state: 'quarantined' }]);
    expect(fleet.offers()).toEqual([]);
    pass(MINUTE_MS);
    expect(fleet.workers.views()).toMatchObject([{ state: 'alive' }]);
    expect(fleet.offers()).toMatchObject([{ free: 2 }]);
  });
});
