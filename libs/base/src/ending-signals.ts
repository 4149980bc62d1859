import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Ctrl-C that follows another closer than this is the same one: npm passes on what a terminal has sent to all. */
const REPEAT_MS = 1000;

/**
 * Calls `inOrder` at the first signal that asks this process to end, and `atOnce` at each SIGINT that insists: one that comes
 * more than a second after the signal before. SIGTERM never insists, for platforms send it again without being in
 * more of a hurry: Slurm to a step and to its batch script, which passes it on, and at the end of a grace time that has begun with
 * it; what they insist with is SIGKILL. Nor does SIGHUP, which comes when a connection is closed behind whoever has asked.
 * What goes on until it is asked to end passes over user signals too.
 */
export function onEndingSignals(inOrder: () => void, atOnce: () => void): void {
  passOverUserSignals();
  let askedAt: number | null = null;
  onEndingSignal((signal) => {
    const now = performance.now();
    const before = askedAt;
    askedAt = now;
    if (before === null) inOrder();
    else if (signal === 'SIGINT' && now - before > REPEAT_MS) atOnce();
  });
}

/**
 * Has SIGUSR1 and SIGUSR2 do nothing to this process. Schedulers send them to whole groups of processes, before a time
 * limit for example; unheard, SIGUSR2 ends a process, and SIGUSR1 opens Node's debugger on a port of loopback, where
 * every user of the machine can run code in it.
 */
export function passOverUserSignals(): void {
  process.on('SIGUSR1', () => undefined);
  process.on('SIGUSR2', () => undefined);
}

/**
 * Calls `end` whenever a signal asks this process to end. SIGHUP, which a closed terminal sends, does so unless the
 * process was started so that it is ignored, as `nohup` does; then it is ignored.
 */
export function onEndingSignal(end: (signal: NodeJS.Signals) => void): void {
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
