import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { explaining, makeHomeDirectory, type Home } from '@ringmaster/protocol';
import { z } from 'zod';

const recordSchema = z.object({
  /** `coordinator`, or the name of a worker. */
  name: z.string(),
  pid: z.int(),
  startTime: z.int(),
});

/** A process that `up` started. */
export type ProcessRecord = z.infer<typeof recordSchema>;

/** What `up` has started in this home, whether it still runs or not. */
export function readRecords(home: Home): ProcessRecord[] {
  try {
    return z.array(recordSchema).parse(JSON.parse(readFileSync(home.processes, 'utf8')));
  } catch {
    return []; // Nothing was started here, or the file was cut short by a full disk.
  }
}

/** @throws HOME_NOT_WRITABLE, DISK_FULL */
export function writeRecords(home: Home, records: readonly ProcessRecord[]): void {
  makeHomeDirectory(home.root, 0o700);
  const temporary = `${home.processes}.${process.pid}`;
  explaining(home.processes, () => {
    writeFileSync(temporary, JSON.stringify(records, null, 2));
    renameSync(temporary, home.processes);
  });
}

export function removeRecords(home: Home): void {
  rmSync(home.processes, { force: true });
}
