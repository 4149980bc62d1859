import { statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import {
  claimedSince,
  removeOldCopies,
  removeOldTasks,
  takeBlob,
  type BlobStore,
} from '@ringmaster/data';
import type { BackgroundWork } from '../background-work.js';
import type { Reachable } from './reachable.js';

/** Age below which an unreferenced blob may belong to an artifact that is being uploaded. */
const GRACE_MS = 60 * 60_000;
/** Blobs that are judged without a pause. */
const BATCH = 256;

/** What was removed. */
export interface Freed {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Removes blobs that nothing refers to (see `Reachable`). Whoever puts a blob renews its age, even where it was there
 * already, and so does who only asks whether it is there; whoever takes longer holds a claim. So a blob that is younger
 * than expected, or than the oldest claim, belongs to an artifact that is being written. Should one be removed all the
 * same, the artifact is found incomplete when it is announced, and written again; nothing that was acknowledged is ever
 * touched.
 */
export class Garbage {
  readonly #reachable: Reachable;
  readonly #blobs: BlobStore;
  /** Manifests whose blobs may be part of what a claim is for. */
  readonly #deferred = new Set<string>();
  readonly #background: BackgroundWork;

  constructor(reachable: Reachable, blobs: BlobStore, background: BackgroundWork) {
    this.#reachable = reachable;
    this.#blobs = blobs;
    this.#background = background;
  }

  /**
   * Removes what only this manifest, which is a root no more, referred to, but for blobs that somebody has put again
   * since the manifest was written. While a claim holds that is older than the manifest, this is put off.
   */
  release(manifest: string): Freed {
    this.#deferred.delete(manifest);
    const written = statSync(this.#blobs.path(manifest), { throwIfNoEntry: false })?.mtimeMs;
    if (written === undefined) return NOTHING;
    if ((claimedSince(this.#blobs.root) ?? Infinity) <= written) {
      this.#deferred.add(manifest);
      return NOTHING;
    }
    const references = this.#reachable.referencesOf(manifest);
    const freed = this.#remove([...references, manifest], written);
    this.#reachable.forget(manifest);
    return freed;
  }

  /** Releases what was put off. */
  retry(): void {
    for (const manifest of [...this.#deferred]) this.release(manifest);
  }

  /**
   * Removes every old blob that nothing refers to, such as those of uploads that were broken off; cut short where the
   * coordinator ends.
   */
  async sweep(nowMs: number): Promise<Freed> {
    await this.#blobs.clean();
    await removeOldTasks(this.#blobs, nowMs);
    await this.#reachable.load();
    const newest = this.newestUnused(nowMs);
    await removeOldCopies(this.#blobs, nowMs, newest);
    const { signal } = this.#background;
    const old: string[] = [];
    for await (const { sha256, putMs } of this.#blobs.list()) {
      if (signal.aborted) break;
      if (putMs <= newest) old.push(sha256);
    }
    let freed = NOTHING;
    for (let at = 0; at < old.length && !signal.aborted; at += BATCH) {
      // What is judged next may have come into use, or be claimed, since the batch before.
      const batch = this.#remove(old.slice(at, at + BATCH), this.newestUnused(nowMs));
      freed = { blobs: freed.blobs + batch.blobs, bytes: freed.bytes + batch.bytes };
      await breathe();
    }
    return freed;
  }

  /** Time at which a blob that nothing refers to was last put for it to be of no use to anybody. */
  newestUnused(nowMs: number): number {
    return Math.min(nowMs - GRACE_MS, (claimedSince(this.#blobs.root) ?? Infinity) - 1);
  }

  /**
   * Removes those blobs that nothing refers to and that were not put after `newestMs`. Nothing else of this process runs
   * meanwhile, so nothing can become referenced.
   */
  #remove(blobs: readonly string[], newestMs: number): Freed {
    const needed = this.#reachable.blobs();
    let freed = NOTHING;
    for (const blob of new Set(blobs)) {
      const taken = needed.has(blob) ? null : takeBlob(this.#blobs, blob, newestMs);
      if (taken === null) continue;
      void this.#background.add(taken.gone);
      freed = { blobs: freed.blobs + 1, bytes: freed.bytes + taken.bytes };
    }
    return freed;
  }
}

const NOTHING: Freed = { blobs: 0, bytes: 0 };
