import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Calls `end` whenever a signal asks this process to end. SIGHUP, which a closed terminal sends, does so unless the
 * process was started so that it is ignored, as `nohup` does; then it is ignored.
 */
export function onEndingSignal(end: () => void): void {
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGHUP', outlivesTerminal() ? () => undefined : end);
}

/**
 * Whether this process was to outlive its terminal. Node lets no program see which signals were ignored when it was
 * started (it resets them before it runs anything), so this goes by the traces: a shell names `nohup` as the command
 * that it has started, `nohup` opens the standard input of a terminal for writing only, and a script that is run under
 * `nohup`, or has said `trap '' HUP`, ignores the signal itself.
 */
export function outlivesTerminal(): boolean {
  if (basename(process.env['_'] ?? '') === 'nohup') return true;
  return isClosedInput() || ignoresHangup(process.ppid);
}

function isClosedInput(): boolean {
  try {
    const [, flags = ''] =
      /^flags:\s+(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8')) ?? [];
    return readlinkSync('/proc/self/fd/0') === '/dev/null' && (parseInt(flags, 8) & 3) === 1;
  } catch {
    return false; // There is no standard input.
  }
}

function ignoresHangup(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, ignored = '0'] = /^SigIgn:\s+([0-9a-f]+)$/m.exec(status) ?? [];
    return (BigInt(`0x${ignored}`) & 1n) === 1n;
  } catch {
    return false; // The parent has ended.
  }
}
