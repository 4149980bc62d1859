import { isHttpPort, parseByteSize, parseDuration } from '@ringmaster/protocol';
import { InvalidArgumentError } from 'commander';

/** Most that a timer of Node waits for; one that is to wait longer fires at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Milliseconds of a duration that is waited for, such as 500ms, 30s, 10m or 2h. */
export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null && milliseconds <= LONGEST_WAIT_MS) return milliseconds;
  throw new InvalidArgumentError('It is a duration such as 30s, 10m or 2h, of at most 24d.');
}

/** A size such as 500MB or 20GB, as it was written. */
export function byteSize(text: string): string {
  if (parseByteSize(text) === null)
    throw new InvalidArgumentError('It is a size such as 500MB, 20GB or 1.5TB.');
  return text;
}

/** A size of which there is something, as it was written. */
export function someBytes(text: string): string {
  if (parseByteSize(text) !== 0) return byteSize(text);
  throw new InvalidArgumentError('It is a size above 0, such as 16GB.');
}

/** A whole number within bounds, both included, in plain digits. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

/** A number that is not below another, in plain digits. */
export function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : NaN;
    if (value >= least) return value;
    throw new InvalidArgumentError(`It is a number from ${least} on.`);
  };
}

/** A number above 0, and at most 1. */
export function share(text: string): number {
  const value = atLeast(0)(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It is a number above 0, and at most 1.');
}

/** Gathers a repeated option. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A port for the HTTP API; 0 is any. */
export function httpPort(text: string): number {
  const port = wholeNumber(0, 65_535)(text);
  if (isHttpPort(port)) return port;
  throw new InvalidArgumentError(
    `Browsers and fetch open no connection to port ${port}: choose another, or leave it out.`,
  );
}
