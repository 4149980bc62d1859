import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RingmasterError, type Home } from '@ringmaster/protocol';
import { z } from 'zod';
import { reasonOf } from '../failure.js';

const recordSchema = z.object({
  /** `coordinator`, or the name of a worker. */
  name: z.string(),
  pid: z.int(),
  startTime: z.int(),
});

/** A process that `up` started. */
export type ProcessRecord = z.infer<typeof recordSchema>;

const path = (home: Home) => join(home.root, 'processes.json');

/** What `up` has started in this home, whether it still runs or not. */
export function readRecords(home: Home): ProcessRecord[] {
  try {
    return z.array(recordSchema).parse(JSON.parse(readFileSync(path(home), 'utf8')));
  } catch {
    return []; // Nothing was started here, or the file was cut short by a full disk.
  }
}

/** @throws HOME_NOT_WRITABLE */
export function writeRecords(home: Home, records: readonly ProcessRecord[]): void {
  const temporary = `${path(home)}.${process.pid}`;
  try {
    mkdirSync(home.logs, { recursive: true });
    writeFileSync(temporary, JSON.stringify(records, null, 2));
    renameSync(temporary, path(home));
  } catch (cause) {
    throw new RingmasterError(
      'HOME_NOT_WRITABLE',
      { path: home.root, reason: reasonOf(cause) },
      { cause },
    );
  }
}

export function removeRecords(home: Home): void {
  rmSync(path(home), { force: true });
}
