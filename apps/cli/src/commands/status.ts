import type { Command } from 'commander';
import { counted } from '@ringmaster/base';
import type { StorageView } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { locate } from '../location.js';
import { formatBytes, formatSeconds, pairs, print, printJson, table } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb)).action(async ({ json, ...where }: JsonOption) => {
    const status = await new Client(locate(where)).status();
    if (json) {
      printJson(status);
      return;
    }
    const jobs = Object.entries(status.jobs).filter(([, count]) => count > 0);
    print(
      pairs([
        ['cluster', status.cluster],
        ['version', status.version],
        ['url', status.url],
        ['up', formatSeconds(status.uptimeSeconds)],
        ['jobs', jobs.map(([state, count]) => `${count} ${state}`).join(', ') || 'none'],
        ['storage', status.storage === null ? null : describe(status.storage)],
      ]),
    );
    const rows = status.workers.map((worker) => [
      worker.id,
      worker.host,
      worker.pid,
      worker.state,
      worker.device,
      worker.threads,
      worker.slots,
      worker.trainerPid,
      worker.job,
    ]);
    const heading = 'WORKER HOST PID STATE DEVICE THREADS SLOTS TRAINER JOB'.split(' ');
    print(`\n${table(heading, rows)}`);
    const more = Object.values(status.workerCounts).reduce(
      (sum, count) => sum + count,
      -rows.length,
    );
    if (more > 0) print(`and ${counted(more, 'more worker', 'more workers')}`);
  });
}

/** What takes most first; what takes nothing is left out. */
function describe({ total, kinds }: StorageView): string {
  const parts = Object.entries(kinds)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, bytes]) => `${formatBytes(bytes)} ${kind}`);
  return `${formatBytes(total)}: ${parts.join(', ')}`;
}
