/** Milliseconds of a monotonic clock that all threads of the process share; `performance.now` counts in each by itself. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
