import fc from 'fast-check';
import { errors, faultOf, type CoordinatorMessage, type WorkerMessage } from '@ringmaster/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { launchFor } from './launch.test.fixture.js';
import { Cluster } from './cluster.js';

const LEASE_MS = 3000;
const MINUTE_MS = 60_000;

/** A cluster with its clock in hand, which notes everything that it says. */
function scene() {
  const told: string[] = [];
  const sent: { peer: string; message: CoordinatorMessage }[] = [];
  const wanted = new Set<string>();
  const time = { now: 0 };
  const cluster = new Cluster({
    ...{ version: '1', leaseMs: LEASE_MS, token: null, log: pino({ level: 'silent' }) },
    artifacts: () => ({ url: '', directory: '', cluster: 'c' }),
    send: (peer, message) => sent.push({ peer, message }),
    clock: () => time.now,
    isWanted: (trainer) => wanted.has(trainer),
    onTrainerMessage: (_, trainer, { type }) => told.push(`${trainer} says ${type}`),
    onTrainerGone: (trainer, { cause }) => told.push(`${trainer} ${cause}`),
    onReported: (_, held) => told.push(`holds ${held.join()}`),
    onKept: (checkpoints) => told.push(`${checkpoints.length} kept`),
    onReleased: (trainers, reason) => told.push(`${trainers.join()} released: ${reason}`),
    onIncident: (_, what) => told.push(what),
    onLog: () => undefined,
    onSlots: () => undefined,
  });
  const say = (message: WorkerMessage, peer = 'a') => {
    cluster.onMessage(peer, message);
  };
  const register = (trainers: string[] = [], peer = 'a') => {
    say(
      {
        ...{ type: 'register', version: '1', token: null, host: 'h', slots: 2, threads: 1 },
        ...{ namespace: 'n', pid: 1, startTime: 1 },
        ...{ device: 'cpu', checkpoints: [] },
        trainers: trainers.map((trainer) => ({ trainer, job: 'j', pid: 1 })),
      },
      peer,
    );
    return cluster.workers.present()[0]?.id ?? '';
  };
  const pass = (ms: number) => {
    for (const end = time.now + ms; time.now < end; time.now += 250) {
      cluster.tick();
      say({ type: 'heartbeat' });
    }
    cluster.tick();
  };
  const exit = (trainer: string) => {
    say({
      ...{ type: 'trainer-exited', trainer, code: 1, signal: null, lastLines: [] },
      ...{ rssBytes: null, outOfMemory: false },
    });
  };
  const progress = (trainer: string, steps: 0 | 1) => {
    const report = {
      ...{ step: 1, loss: 1, counted: 1, tokens: 1, learningRate: 1, gradientNorm: 1 },
      ...{
        attempts: 1,
        startedAt: 0,
        seconds: 1,
        ringBytes: 1,
        ringSeconds: 0.01,
        microbatches: 1,
        nonFinite: null,
      },
      ledger: { samples: 1, digest: 1 },
      phases: { compute: 1, quantise: 0, send: 0, wait: 0, update: 0 },
    };
    const reports = Array.from({ length: steps }, () => report);
    const message = { type: 'progress', generation: 1, rank: 0, steps: reports, evaluations: [] };
    say({ type: 'trainer-message', trainer, message: message as never });
  };
  return { cluster, told, sent, wanted, time, say, register, pass, exit, progress };
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
    const { cluster, sent, register } = scene();
    cluster.shutdown();
    register();
    expect(sent.map(({ message }) => message.type)).toEqual(['registered', 'shutdown']);
  });

  it('has its unwanted trainers ended', () => {
    const { sent, register } = scene();
    register(['t1']);
    expect(sent.at(-1)?.message).toEqual({ type: 'end-trainer', trainer: 't1' });
  });

  it('because it was not answered yet keeps what it was told to launch meanwhile', () => {
    const { cluster, told, wanted, say, register } = scene();
    wanted.add('t1');
    cluster.launch(register(), launchFor('t1'));
    register();
    say({ type: 'heartbeat' });
    expect(told.at(-1)).toBe('holds t1');
    expect(cluster.workers.offers()[0]?.free).toBe(1);
    register([], 'b');
    say({ type: 'heartbeat' }, 'b');
    expect(told.at(-1)).toBe('holds ');
  });

  it('soon after its connection broke has lost nobody', () => {
    const { cluster, told, sent, wanted, time, say, register, pass } = scene();
    const id = register();
    cluster.launch(id, launchFor('t1'));
    wanted.add('t1');
    pass(1000);
    cluster.onUnreachable('a');
    time.now += 250;
    cluster.tick();
    say({ type: 'heartbeat' });
    expect(sent.at(-1)?.message).toEqual({ type: 'heard', known: false });
    register(['t1'], 'b');
    say({ type: 'heartbeat' }, 'b');
    expect(told.filter((text) => text.startsWith('t1'))).toEqual([]);
    expect(told.at(-1)).toBe('holds t1');
  });

  it('is lost when it does not do so soon', () => {
    const { cluster, told, register, time, pass } = scene();
    cluster.launch(register(), launchFor('t1'));
    pass(1000);
    cluster.onUnreachable('a');
    for (let ms = 0; ms <= 500; ms += 250) {
      time.now += 250;
      cluster.tick();
    }
    expect(told.at(-1)).toBe('t1 worker-lost');
  });
});

describe('a worker that leaves', () => {
  it('is given no trainers, and those that it has are released', () => {
    const { cluster, told, say, register } = scene();
    const id = register();
    cluster.launch(id, launchFor('t1'));
    expect(cluster.offers()).toMatchObject([{ free: 1 }]);
    say({ type: 'leaving' });
    expect(cluster.offers()).toEqual([]);
    expect(cluster.workers.views()).toMatchObject([{ state: 'leaving' }]);
    expect(told.at(-1)).toBe(`t1 released: worker ${id} leaves`);
    say({ type: 'leave' });
    expect(cluster.workers.views()).toMatchObject([{ state: 'left' }]);
  });
});

describe('a trainer that is silent', () => {
  it('is gone at once, and keeps its slot until it has exited', () => {
    const { cluster, told, say, register, exit } = scene();
    cluster.launch(register(), launchFor('t1'));
    say({ type: 'trainer-silent', trainer: 't1', seconds: 3.1 });
    expect(told.at(-1)).toBe('t1 silent');
    expect(cluster.offers()).toMatchObject([{ free: 1 }]);
    exit('t1');
    expect(cluster.offers()).toMatchObject([{ free: 2 }]);
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
        const { cluster, told, say, register, exit, progress } = scene();
        const id = register();
        let inARow = 0;
        for (const [number, how] of ends.entries()) {
          const trainer = `t${number}`;
          cluster.launch(id, launchFor(trainer));
          if (how === 'silent') say({ type: 'trainer-silent', trainer, seconds: 3 });
          if (how === 'failed') {
            const error = { code: 'INTERNAL', message: '', remedy: '', detail: null };
            say({
              type: 'trainer-message',
              trainer,
              message: { type: 'failed', generation: 0, step: 0, fatal: false, blames: [], error },
            });
          }
          if (how === 'ended' || how === 'failed') cluster.end(trainer);
          progress(trainer, how === 'stepped' ? 1 : 0);
          exit(trainer);
          if (how === 'stepped') inARow = 0;
          else if (how !== 'ended') inARow++;
          if (inARow === 5) break;
        }
        expect(isQuarantined(told)).toBe(inARow === 5);
        expect(cluster.offers()).toHaveLength(inARow === 5 ? 0 : 1);
      }),
    );
  });

  it('is not quarantined for what a job or an artifact is at fault for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(errors)),
        fc.integer({ min: 5, max: 12 }),
        (code, times) => {
          const { cluster, told, say, register, exit } = scene();
          const id = register();
          const fault = faultOf(code);
          for (let number = 0; number < times; number++) {
            const trainer = `t${number}`;
            cluster.launch(id, launchFor(trainer));
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
    const { cluster, register, exit, pass } = scene();
    const id = register();
    for (const trainer of ['t1', 't2', 't3', 't4', 't5']) {
      cluster.launch(id, launchFor(trainer));
      exit(trainer);
    }
    register();
    pass(9 * MINUTE_MS);
    expect(cluster.workers.views()).toMatchObject([{ state: 'quarantined' }]);
    expect(cluster.offers()).toEqual([]);
    pass(MINUTE_MS);
    expect(cluster.workers.views()).toMatchObject([{ state: 'alive' }]);
    expect(cluster.offers()).toMatchObject([{ free: 2 }]);
  });
});
