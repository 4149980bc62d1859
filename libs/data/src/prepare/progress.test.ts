import type { PreparationProgress } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { Progress } from './progress.js';

describe('progress', () => {
  it('tells the rate of the last minute and what is left at it', () => {
    let now = 0;
    const told: PreparationProgress[] = [];
    const progress = new Progress(
      (each) => told.push(each),
      () => now,
    );
    progress.phase('hash');
    const unknown = { done: 0, total: null, bytes: null, bytesPerSecond: null, secondsLeft: null };
    expect(told.at(-1)).toEqual({ phase: 'hash', ...unknown });
    progress.phase('read', { bytes: 1000 });
    expect(told.at(-1)).toEqual({ phase: 'read', ...unknown, bytes: { done: 0, total: 1000 } });
    now = 10_000;
    progress.advance(3, 100);
    expect(told.at(-1)).toEqual({
      phase: 'read',
      done: 3,
      total: null,
      bytes: { done: 100, total: 1000 },
      bytesPerSecond: 10,
      secondsLeft: 90,
    });
    now = 100_000;
    progress.advance(1, 180);
    expect(told.at(-1)).toMatchObject({ done: 4, bytesPerSecond: 2, secondsLeft: 360 });
    progress.phase('encode', { documents: 4, bytes: 500 });
    expect(told.at(-1)).toMatchObject({ phase: 'encode', done: 0, total: 4, bytesPerSecond: null });
  });
});
