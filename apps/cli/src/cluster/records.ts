import { readFileSync, rmSync } from 'node:fs';
import { makeHomeDirectory, writeDurably, type Home } from '@ringmaster/base';
import { z } from 'zod';

const recordSchema = z.object({
  /** `coordinator`, or the name of a worker. */
  name: z.string(),
  pid: z.int(),
  startTime: z.int(),
  /** What the process was given on its command line. */
  args: z.array(z.string()).default([]),
  /** Whether the process was found gone, and that was told, when the cluster went down. */
  lost: z.literal(true).optional(),
});

/** A process that `up` started. */
export type ProcessRecord = z.infer<typeof recordSchema>;

/** What `up` has started in this home, whether it still runs or not. */
export function readRecords(home: Home): ProcessRecord[] {
  try {
    return z.array(recordSchema).parse(JSON.parse(readFileSync(home.processes, 'utf8')));
  } catch {
    return []; // Nothing was started here.
  }
}

/** Without records there is no file, and no room is needed. @throws HOME_NOT_WRITABLE, DISK_FULL */
export function writeRecords(home: Home, records: readonly ProcessRecord[]): void {
  if (records.length === 0) {
    removeRecords(home);
    return;
  }
  makeHomeDirectory(home.root, 0o700);
  writeDurably(home.processes, JSON.stringify(records, null, 2), 0o600);
}

function removeRecords(home: Home): void {
  rmSync(home.processes, { force: true });
}
