import { detection } from '@ringmaster/protocol';

/**
 * Finds trainers whose heartbeats have stopped. Only time in which the watcher itself was awake counts: a longer gap between two looks (a
 * suspended machine, a stopped agent) counts as two looks, after which everyone had a chance to be heard.
 * Times are milliseconds of a clock that never goes back.
 */
export class HeartbeatMonitor {
  readonly #silentMs = new Map<string, number>();
  #lookedMs: number;

  constructor(nowMs: number) {
    this.#lookedMs = nowMs;
  }

  /** Watches a process that has only just been started, and may take longer to its first beat than between two. */
  begin(trainer: string): void {
    this.#silentMs.set(trainer, -detection.firstBeatMs);
  }

  heard(trainer: string): void {
    if (this.#silentMs.has(trainer)) this.#silentMs.set(trainer, 0);
  }

  end(trainer: string): void {
    this.#silentMs.delete(trainer);
  }

  /** Trainers that were silent for longer than `limitMs`, each told once. */
  look(nowMs: number, limitMs: number): { readonly trainer: string; readonly seconds: number }[] {
    const passed = Math.min(nowMs - this.#lookedMs, 2 * detection.watchMs);
    this.#lookedMs = nowMs;
    const overdue = [];
    for (const [trainer, before] of this.#silentMs) {
      const silent = before + passed;
      this.#silentMs.set(trainer, silent);
      if (silent <= limitMs) continue;
      this.#silentMs.delete(trainer);
      overdue.push({ trainer, seconds: silent / 1000 });
    }
    return overdue;
  }
}
