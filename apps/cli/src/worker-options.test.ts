import { networkInterfaces } from 'node:os';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { workerArguments, workerOptions, type WorkerOptions } from './worker-options.js';

const addresses = () =>
  Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));

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

it('takes an address of this machine, and tells which those are where it is given another', () => {
  for (const own of ['127.0.0.1', '127.0.0.9', ...addresses()])
    expect(parse('--address', own).address).toBe(own);
  // Kept for documentation (RFC 5737 and 3849), so no machine has them.
  for (const other of ['192.0.2.1', '2001:db8::1'])
    expect(() => parse('--address', other)).toThrow(/no such address; it has .*127\.0\.0\.1/);
  expect(() => parse('--address', 'node-1')).toThrow('It is an IP address.');
});

it('gives what it was given, and says nothing of the rest', () => {
  const given = parse('--ring-ports', '1000-1007', '--leave-file', '/a');
  expect(workerArguments(given, 1).join(' ')).toBe(
    '--threads 1 --slots 1 --device cpu --ring-ports 1000-1007 --orphan-timeout 10s --leave-timeout 30s --leave-file /a',
  );
});

it('offers some memory, of a size that can be told', () => {
  expect(parse('--memory', '1.5GB').memory).toBe('1.5GB');
  expect(() => parse('--memory', '0B')).toThrow('It is a size above 0, such as 16GB.');
  for (const other of ['16', '-1GB', '900000TB'])
    expect(() => parse('--memory', other)).toThrow('It is a size such as');
});
