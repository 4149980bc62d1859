import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ownIdentity, ownMachine } from '@ringmaster/base';
import type { SharedArena } from '../memory/memory.js';
import { MEMORY_PAGE_BYTES } from '@ringmaster/base/memory';
import { mapFile, unmapFile } from './mapping.js';
import { Slot, SLOT_BYTES } from './slot.js';

/** Bytes by which a reader knows that it has found the right file. */
export const ID_BYTES = 16;
/** Rings of one process that are open at a time: the present one, the next, and some that are being closed. */
const SLOTS = 16;
const HEAD_BYTES = SLOT_BYTES * (1 + SLOTS);

/** Where the rank after finds what a ring sends. */
export interface Outlet {
  /** Bytes in the arena. */
  readonly region: { readonly offset: number; readonly bytes: number };
  /** Byte offset of the slot in the arena. */
  readonly slot: number;
  /** The ring's number in it. */
  readonly ring: number;
}

/**
 * A range of an arena that other processes of this host and user can map, so that what lies in it need not be sent to
 * them. It is a file in memory without a name: it is gone with the last process that has it, however that ends.
 */
export class SharedRegion {
  readonly offset: number;
  readonly bytes: number;
  readonly #arena: SharedArena;
  readonly #file: number;
  readonly #id: string;
  readonly #taken = new Set<number>();
  #opened = 0;
  #end: number;

  private constructor(arena: SharedArena, offset: number, bytes: number, file: number, id: string) {
    this.#arena = arena;
    this.offset = offset;
    this.bytes = bytes;
    this.#file = file;
    this.#id = id;
    this.#end = offset + HEAD_BYTES;
  }

  /** How much of an arena a region with room for `bytes` takes. */
  static size(bytes: number): number {
    return Math.ceil((HEAD_BYTES + bytes) / MEMORY_PAGE_BYTES) * MEMORY_PAGE_BYTES;
  }

  /**
   * A region with room for `bytes` in an arena that has that much left; null where the host has no such memory or not
   * enough of it.
   * @param directory of a file system in memory
   */
  static create(arena: SharedArena, bytes: number, directory = '/dev/shm'): SharedRegion | null {
    const size = SharedRegion.size(bytes);
    const id = randomBytes(ID_BYTES);
    const file = reserve(join(directory, `ringmaster-${id.toString('hex')}`), size);
    if (file === null) return null;
    const offset = arena.allocate(size, MEMORY_PAGE_BYTES);
    if (!mapFile(arena.memory, offset, size, file)) {
      closeSync(file);
      arena.release(offset, size);
      return null;
    }
    new Uint8Array(arena.memory.buffer, offset, ID_BYTES).set(id);
    return new SharedRegion(arena, offset, size, file, id.toString('hex'));
  }

  /** Reserves `bytes` bytes of the region and answers their byte offset in the arena; their address is a multiple of 64. */
  allocate(bytes: number): number {
    const used = this.#end - this.offset;
    const offset = this.offset + Math.ceil(used / SLOT_BYTES) * SLOT_BYTES;
    if (offset + bytes > this.offset + this.bytes) throw new Error('the region is full');
    this.#end = offset + bytes;
    return offset;
  }

  /** What a ring tells the rank after, which `openWindow` understands; null when too many rings are open. */
  open(): { readonly outlet: Outlet; readonly address: string } | null {
    // Slots are taken in turn: a reader of an earlier ring that was stopped may yet write into the one it knows.
    const turns = Array.from({ length: SLOTS }, (_, turn) => (this.#opened + turn) % SLOTS);
    const index = turns.find((slot) => !this.#taken.has(slot));
    if (index === undefined) return null;
    this.#opened = index + 1;
    this.#taken.add(index);
    const ring = randomInt(1, 2 ** 31 - 1);
    const slot = this.offset + SLOT_BYTES * (1 + index);
    new Slot(this.#arena.memory, slot).open(ring);
    const { offset, bytes } = this;
    const { namespace, pid } = ownIdentity();
    return {
      outlet: { region: { offset, bytes }, slot, ring },
      address: [
        ownMachine(),
        namespace,
        pid,
        this.#file,
        bytes,
        this.#id,
        slot - offset,
        ring,
      ].join('.'),
    };
  }

  /** Lets go of the file, which neighbours may have yet. The range is memory of this process alone then, all zero. */
  close(): void {
    unmapFile(this.#arena.memory, this.offset, this.bytes);
    closeSync(this.#file);
  }

  /** The ring is closed, and its slot may be another's. */
  release({ slot }: Outlet): void {
    this.#taken.delete((slot - this.offset) / SLOT_BYTES - 1);
  }
}

/** A file without a name whose memory is there already: one that is only promised would end the process when it is not. */
function reserve(path: string, bytes: number): number | null {
  let file: number | undefined;
  try {
    file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    const zeros = new Uint8Array(Math.min(bytes, 2 ** 20));
    for (let written = 0; written < bytes;)
      written += writeSync(file, zeros, 0, Math.min(zeros.length, bytes - written), written);
    return file;
  } catch {
    if (file !== undefined) closeSync(file);
    return null;
  }
}
