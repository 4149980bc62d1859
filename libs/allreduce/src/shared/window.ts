import { closeSync, openSync, readSync } from 'node:fs';
import { ownIdentity, ownMachine } from '@ringmaster/base';
import type { RingLink } from '@ringmaster/protocol';
import type { SharedArena } from '../memory/memory.js';
import { MEMORY_PAGE_BYTES } from '@ringmaster/base/memory';
import { mapFile, unmapFile } from './mapping.js';
import { ID_BYTES } from './region.js';

/** Another process's region, seen from this arena. */
export interface Inlet {
  /** Bytes in the arena. */
  readonly window: { readonly offset: number; readonly bytes: number };
  /** Byte offset of the slot in the arena. */
  readonly slot: number;
  /** The number that the other's ring has in it. */
  readonly ring: number;
}

const ADDRESS = /^([0-9a-f]+)\.([0-9a-f]+)\.(\d+)\.(\d+)\.(\d+)\.([0-9a-f]+)\.(\d+)\.(\d+)$/;

/** What was found of another process's region: a window on it, or why there is none. */
export type Opened = Inlet | Exclude<RingLink, 'memory'>;

/**
 * Maps the region that a ring of another process has told of. There is no window on one of another PID namespace, where
 * another process has that id, or of another user, nor where the arena has no room for it.
 */
export function openWindow(arena: SharedArena, address: string): Opened {
  const [, machine, namespace, pid, fd, size, id, slot, ring] = ADDRESS.exec(address) ?? [];
  if (id === undefined) return 'not-offered';
  if (machine !== ownMachine()) return 'other-host';
  if (namespace !== ownIdentity().namespace) return 'other-container';
  const bytes = Number(size);
  let file: number;
  try {
    file = openSync(`/proc/${pid}/fd/${fd}`, 'r+');
  } catch {
    return 'not-readable'; // No such process here, or not one of this user.
  }
  try {
    const head = new Uint8Array(ID_BYTES);
    readSync(file, head, 0, ID_BYTES, 0);
    if (Buffer.from(head).toString('hex') !== id) return 'not-readable';
    const offset = arena.tryAllocate(bytes, MEMORY_PAGE_BYTES);
    if (offset === null) return 'too-large';
    if (!mapFile(arena.memory, offset, bytes, file)) {
      arena.release(offset, bytes);
      return 'too-large';
    }
    return { window: { offset, bytes }, slot: offset + Number(slot), ring: Number(ring) };
  } finally {
    closeSync(file);
  }
}

export function closeWindow(arena: SharedArena, { window: { offset, bytes } }: Inlet): void {
  unmapFile(arena.memory, offset, bytes);
  arena.release(offset, bytes);
}
