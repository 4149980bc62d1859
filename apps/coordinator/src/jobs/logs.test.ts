import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { JobLogs } from './logs.js';
import { LOG_LIMIT_BYTES, trimLog, trimLogs } from './trim-log.js';

const LIMIT = 1000;
const line = (number: number) => `{"msg":"line ${String(number).padStart(4, '0')}"}`;

async function withLogs(body: (logs: JobLogs) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (home) => {
    mkdirSync(join(home, 'jobs'));
    await body(new JobLogs(home, LIMIT));
  });
}

describe('the log of a job', () => {
  it('keeps its newest lines, whole, within its limit', () =>
    withLogs(async (logs) => {
      for (let number = 0; number < 500; number++) {
        logs.append('j', [line(number)]);
        expect(statSync(logs.path('j')).size).toBeLessThanOrEqual(LIMIT);
      }
      const lines = readFileSync(logs.path('j'), 'utf8').trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(20);
      expect(lines).toEqual(lines.map((_, at) => line(500 - lines.length + at)));
      const { text } = await logs.read('j', await logs.startOfTail('j', 3));
      expect(text.toString()).toBe(`${line(497)}\n${line(498)}\n${line(499)}\n`);
    }));

  it('gives who follows it every line once, whatever it loses meanwhile', () =>
    withLogs(async (logs) => {
      let told = '';
      let position = 0;
      for (let number = 0; number < 500; number++) {
        logs.append('j', [line(number)]);
        if (number % 3 !== 0) continue;
        const { text, end } = await logs.read('j', position);
        told += text.toString();
        position = end;
      }
      const lines = told.trimEnd().split('\n');
      expect(lines).toEqual(lines.map((_, number) => line(number)));
      expect(lines).toHaveLength(499);
    }));

  it('goes with its job, and may begin again', () =>
    withLogs(async (logs) => {
      for (let number = 0; number < 100; number++) logs.append('j', [line(number)]);
      logs.remove('j');
      expect((await logs.read('j', 0)).text).toHaveLength(0);
      logs.append('j', [line(7)]);
      expect((await logs.read('j', 0)).text.toString()).toBe(`${line(7)}\n`);
    }));
});

describe('other logs', () => {
  it('are cut in their place beneath who appends to them', () =>
    withTemporaryDirectory(async (home) => {
      const path = join(home, 'worker-1.log');
      const lines = Array.from({ length: 60 }, (_, number) => `${line(number)}\n`);
      writeFileSync(path, lines.join(''));
      expect(trimLog(path, 2000, 500)).toBe(0);
      expect(trimLog(path, 1000, 500)).toBe(36 * 20);
      appendFileSync(path, 'the next\n');
      expect(readFileSync(path, 'utf8')).toBe(`${lines.slice(-24).join('')}the next\n`);
      mkdirSync(join(home, 'jobs'));
      await trimLogs(home);
      expect(statSync(path).size).toBeLessThan(LOG_LIMIT_BYTES);
    }));
});
