import { readFileSync } from 'node:fs';

/** The most memory that this process has had (proc(5)). */
export function peakBytes(): number {
  const [, kibibytes = '0'] =
    /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kibibytes);
}
