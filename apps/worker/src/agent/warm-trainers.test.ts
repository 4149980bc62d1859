import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { launchOf } from './coordinator.test.fixture.js';
import { program } from './scene.test.fixture.js';
import type { TrainerProcess } from './trainer-process.js';
import { WarmTrainers } from './warm-trainers.js';

const warm = new WarmTrainers({
  program: program('trainer'),
  devices: [{ kind: 'cpu' }],
  onDeath: (signal) => deaths.push(signal),
});
const taken: TrainerProcess[] = [];
const deaths: (string | null)[] = [];

afterEach(async () => {
  await warm.endAll();
  await Promise.all(taken.splice(0).map((process) => process.end()));
});

function take(threads: number): TrainerProcess {
  const process = warm.take(0, threads);
  taken.push(process);
  return process;
}

/** Gives a process a run, and returns what it says first. */
function begin(process: TrainerProcess, job: string): Promise<unknown> {
  return new Promise((resolve) => {
    const place = { url: '', fingerprint: null, directory: '', cluster: '', token: null };
    const ring = { control: '', address: null, ports: null };
    const launch = launchOf(job);
    const all = { launch, artifacts: place, cache: '', cacheLimit: null, ring };
    process.begin(
      { type: 'launch', ...all },
      { onMessage: resolve, onLines: () => undefined, onBeat: () => undefined },
    );
  });
}

describe('a trainer that waits for its run', () => {
  it('is the one that gets the next, and no other does', async () => {
    warm.start(0);
    warm.start(0);
    const [first, second] = [take(1), take(1)];
    expect(first.pid).not.toBe(second.pid);
    expect(await begin(first, 'one')).toMatchObject({ type: 'ready', numerics: { threads: '1' } });
    expect(await begin(second, 'two')).toMatchObject({ type: 'ready' });
  });

  it('goes where the next run has other threads, and the one after it has these', async () => {
    warm.start(0);
    expect(await begin(take(2), 'wide')).toMatchObject({ numerics: { threads: '2' } });
    warm.start(0);
    expect(await begin(take(2), 'next')).toMatchObject({ numerics: { threads: '2' } });
  });

  it('is not given a run once it has died', async () => {
    const before = children();
    warm.start(0);
    const [pid = 0] = children().filter((child) => !before.includes(child));
    process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => !children().includes(pid));
    const next = take(1);
    expect(next.pid).not.toBe(pid);
    expect(await begin(next, 'late')).toMatchObject({ type: 'ready' });
    await vi.waitUntil(() => deaths.length > 0);
    expect(deaths).toEqual(['SIGKILL']);
  });
});

function children(): number[] {
  const list = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return list.trim().split(' ').map(Number);
}
