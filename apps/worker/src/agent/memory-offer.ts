import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { ownIdentity, ownMachine } from '@ringmaster/base';
import type { MemoryOffer } from '@ringmaster/protocol';

/**
 * The memory that a worker offers: what it was told, else that of the machine, or of its control group where that has
 * less. Workers that share it name it alike.
 * @param told Bytes, of this worker alone; null for what the system says.
 */
export function memoryOffer(told: number | null): MemoryOffer {
  const machine = ownMachine();
  const { namespace, pid } = ownIdentity();
  if (told !== null) return { bytes: told, pool: `${machine}/${namespace}/${pid}` };
  const group = groupLimit(contentOf('/proc/self/cgroup'), '/sys/fs/cgroup');
  const bytes = totalmem();
  if (group === null || group.bytes >= bytes) return { bytes, pool: machine };
  // Containers that see their own group alone call it all the same.
  return { bytes: group.bytes, pool: `${machine}/${namespace}${group.directory}` };
}

/** A control group that bounds the memory of its processes. */
export interface GroupLimit {
  readonly bytes: number;
  readonly directory: string;
}

/** More than any machine has, by which version 1 says that there is no limit. */
const NO_LIMIT = 2 ** 60;

/**
 * The least that the control groups of a process let it take, in bytes (cgroups(7)): memory.max of version 2 and
 * memory.limit_in_bytes of version 1, of its group and those above. Null where none has a limit.
 * @param groups What /proc/PID/cgroup says.
 * @param root Where control groups are mounted.
 */
export function groupLimit(groups: string, root: string): GroupLimit | null {
  const second = /^0::(\/.*)$/m.exec(groups)?.[1];
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1];
  const found = [
    ...(second === undefined ? [] : limits(root, second, 'memory.max')),
    ...(first === undefined ? [] : limits(join(root, 'memory'), first, 'memory.limit_in_bytes')),
  ];
  return found.reduce<GroupLimit | null>(
    (least, limit) => (least === null || limit.bytes < least.bytes ? limit : least),
    null,
  );
}

/** The limits of a group and of those above it; in a container the group may be mounted as the root. */
function limits(root: string, group: string, file: string): GroupLimit[] {
  const directories = [group];
  while (directories.at(-1) !== '/') directories.push(dirname(directories.at(-1) ?? '/'));
  return directories.flatMap((directory) => {
    const bytes = Number(contentOf(join(root, directory, file)).trim() || NaN);
    return bytes > 0 && bytes < NO_LIMIT ? [{ bytes, directory }] : [];
  });
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // No such group here, or a system without any.
  }
}
