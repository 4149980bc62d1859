import { Command } from 'commander';
import { expect, it } from 'vitest';
import { workerArguments, workerOptions, type WorkerOptions } from './worker-options.js';

const parse = (...given: string[]): WorkerOptions =>
  workerOptions(new Command('verb').exitOverride(), '10s').parse(given, { from: 'user' }).opts();

/** What the program of a worker is told its device is. */
const deviceOf = (options: WorkerOptions, number: number) => {
  const given = workerArguments(options, number);
  return given[given.indexOf('--device') + 1];
};

it.each([
  [[], ['cpu', 'cpu', 'cpu']],
  [
    ['--device', 'gpu'],
    ['gpu:0', 'gpu:1', 'gpu:2'],
  ],
  [
    ['--device', 'gpu:1', '--slots', '4'],
    ['gpu:1', 'gpu:5', 'gpu:9'],
  ],
])('with %j each worker has the cards behind those of the one before', (given, devices) => {
  const options = parse(...given);
  expect([1, 2, 3].map((number) => deviceOf(options, number))).toEqual(devices);
});

it('gives what it was given, and says nothing of the rest', () => {
  const given = parse('--ring-ports', '1000-1007', '--leave-file', '/a');
  expect(workerArguments(given, 1).join(' ')).toBe(
    '--threads 1 --slots 1 --device cpu --ring-ports 1000-1007 --orphan-timeout 10s --leave-timeout 30s --leave-file /a',
  );
});
