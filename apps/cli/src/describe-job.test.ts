import type { JobView, RingLink } from '@ringmaster/protocol';
import { expect, it } from 'vitest';
import { jobView } from './api.test.fixture.js';
import { describeJob } from './describe-job.js';
import { describeMemory } from './describe-memory.js';

const phases = { compute: 0.1, quantise: 0, send: 0, wait: 0, update: 0 };

function withLinks(...links: (RingLink | null)[]): JobView {
  const ranks = links.map((link, rank) => ({
    rank,
    worker: `w-${rank}`,
    microbatches: 1,
    phases,
    link,
  }));
  return { ...jobView('j-1', 'running'), ranks };
}

it.each([
  [['memory', 'memory'], 'Every rank reads the memory of the rank before it.'],
  [
    ['memory', 'other-container', 'other-host'],
    'Through sockets, for they share no memory with the rank after them: rank 0 is in another container of its host, rank 1 is on another host. 1 of 3 read memory.',
  ],
] as const)('neighbours that are %j', (links, sentence) => {
  expect(describeJob(withLinks(...links), [])).toContain(sentence);
});

it('says nothing of neighbours that are not known', () => {
  expect(describeJob(withLinks(null), [])).not.toMatch(/memory/);
});

it('tells what a job takes, and that nobody offers it', () => {
  const parts = { runtime: 2e8, weights: 1e9, moments: 2e9, gradients: 2e9, activations: 3e8 };
  const needs = { bytes: 5.5e9, least: 5.5e9, parts, checkpoint: 3e9 };
  const told =
    'It takes about 5.5 GB of memory on each worker (runtime 200.0 MB, weights 1.0 GB, moments 2.0 GB, gradients 2.0 GB, activations 300.0 MB), and up to 3.0 GB more where checkpoints are written';
  expect(describeMemory(needs, null)).toBe(`${told}.`);
  expect(describeMemory(needs, 4e9)).toBe(
    `${told}; it will wait, for the largest worker offers 4.0 GB.`,
  );
});

it('a job whose texts may be short is not said to wait for what only long ones take', () => {
  const parts = { runtime: 2e8, weights: 1e9, moments: 2e9, gradients: 1e9, activations: 9e9 };
  const needs = { bytes: 13.2e9, least: 4.2e9, parts, checkpoint: 3e9 };
  expect(describeMemory(needs, 8e9)).toMatch(
    /activations less where texts are shorter than the context\.$/,
  );
});
