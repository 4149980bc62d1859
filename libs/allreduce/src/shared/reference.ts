import { setTimeout as sleep } from 'node:timers/promises';
import type { SharedMemory } from '@ringmaster/base/memory';
import { now } from '../clock.js';
import type { Outlet } from './region.js';
import { Slot } from './slot.js';
import type { Inlet } from './window.js';

const POLL_MS = 1;

/** The sending end: names places in the region instead of sending what is there. */
export class References {
  readonly #outlet: Outlet;
  readonly #slot: Slot;
  #sent = 0;

  constructor(memory: SharedMemory, outlet: Outlet) {
    this.#outlet = outlet;
    this.#slot = new Slot(memory, outlet.slot);
  }

  /** What to send in place of `bytes` bytes at `offset`; null where the rank after cannot see them. */
  to(offset: number, bytes: number): Uint8Array | null {
    const { region } = this.#outlet;
    const at = offset - region.offset;
    if (at < 0 || at + bytes > region.bytes || !this.#slot.isMapped) return null;
    this.#sent++;
    return new Uint8Array(BigUint64Array.of(BigInt(at)).buffer);
  }

  /** Waits until the rank after has read all that was sent, or `isOver`, or the time has passed. */
  async settle(isOver: () => boolean, deadlineMs: number): Promise<void> {
    const deadline = now() + deadlineMs;
    while (this.#slot.read < this.#sent && !isOver() && now() < deadline) await sleep(POLL_MS);
  }

  /** From now on nothing may be read: what is there may be used for something else. */
  close(): void {
    this.#slot.close();
  }
}

/** The receiving end. */
export class Referents {
  readonly #inlet: Inlet;
  readonly #slot: Slot;

  constructor(memory: SharedMemory, inlet: Inlet) {
    this.#inlet = inlet;
    this.#slot = new Slot(memory, inlet.slot);
    this.#slot.map();
  }

  /** Byte offset in this arena of what a reference means; null for one that points out of the region. */
  find(reference: Uint8Array, bytes: number): number | null {
    const { window } = this.#inlet;
    if (reference.byteLength !== 8) return null;
    const view = new DataView(reference.buffer, reference.byteOffset, 8);
    const at = Number(view.getBigUint64(0, true));
    return at + bytes <= window.bytes ? window.offset + at : null;
  }

  /**
   * Says that what the last reference meant has been read.
   * @returns whether it was still what was sent
   */
  finish(): boolean {
    this.#slot.countRead();
    return this.#slot.isOpen(this.#inlet.ring);
  }
}
