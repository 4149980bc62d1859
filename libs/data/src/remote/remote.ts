import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import {
  canonicalJson,
  namesSeveral,
  parseLocation,
  RingmasterError,
  sha256 as hashOf,
  type BucketLocation,
} from '@ringmaster/protocol';
import type { BlobInfo, BlobStore } from '../blobs/blob-store.js';
import type { SourceFile } from '../document.js';
import type { Progress } from '../prepare/progress.js';
import { surveyFile } from '../readers/bytes.js';
import { requireWithin, type Roots } from '../readers/roots.js';
import { Copies, type Copy } from './copies.js';
import { download, type DownloadOptions, type RemoteFile } from './download.js';
import { keyPattern } from './key-pattern.js';
import { Storage, type StoredObject } from './s3.js';
import { sideBySide } from './side-by-side.js';
import { WebFile } from './web.js';

/** Files that an entry of `data.files` names on another machine, and how they are called that were left out as hidden. */
export interface RemoteFiles {
  readonly files: readonly Omit<SourceFile, 'name'>[];
  readonly hidden: readonly string[];
}

export interface RemoteOptions {
  /** Beside whose blobs copies are kept. */
  readonly store: BlobStore;
  /** What may be fetched; by default all that this machine reaches. */
  readonly roots?: Roots;
  readonly progress?: Progress;
  /** Clock of downloads. */
  readonly timing?: Pick<DownloadOptions, 'clock' | 'pause'>;
}

/** Objects that are fetched side by side. */
const SIDE_BY_SIDE = 8;
/** Bytes after which the listener hears of them. */
const TELL_EVERY = 8 * 1024 * 1024;

/** One file on another machine. */
interface Wanted {
  /** What it is called. */
  readonly path: string;
  /** Of its copy. */
  readonly key: string;
  /** The SHA-256 that it is to have; null where it is not said. */
  readonly sha256: string | null;
  readonly file: RemoteFile;
}

/** What lies on other machines, of which copies are kept: what is here already is not asked for again. */
export class Remote {
  readonly #copies: Copies;
  readonly #roots: Roots;
  readonly #progress: Progress | null;
  readonly #timing: RemoteOptions['timing'];
  #isFetching = false;
  #untold = 0;

  constructor({ store, roots = null, progress, timing }: RemoteOptions) {
    this.#copies = new Copies(store);
    this.#roots = roots;
    this.#progress = progress ?? null;
    this.#timing = timing;
  }

  /**
   * Files that an entry names, each with a copy here.
   * @param hasLines Whether a file is one of lines, which can be read in pieces.
   * @throws DATA_LOCATION_INVALID, DATA_PATH_REFUSED, DATA_DOWNLOAD_FAILED, DATA_BUCKET_FAILED, DATA_HASH_DIFFERS,
   *   DATA_FILE_EMPTY, DATA_FILE_CHANGED, DISK_FULL
   */
  async files(entry: string, hasLines: (path: string) => boolean): Promise<RemoteFiles> {
    const location = parseLocation(entry);
    requireWithin(entry, this.#roots);
    try {
      if (location.kind === 'bucket') return await this.#objects(location, hasLines);
      const { shown: path, sha256 } = location;
      const file = new WebFile(location, this.#roots);
      const found = await this.#file({ path, key: sha256, sha256, file }, hasLines);
      return { files: [found], hidden: [] };
    } finally {
      if (this.#isFetching) this.#progress?.phase('hash');
      this.#isFetching = false;
    }
  }

  async #objects(
    location: BucketLocation,
    hasLines: (path: string) => boolean,
  ): Promise<RemoteFiles> {
    const { bucket, sha256 } = location;
    if (sha256 !== null) {
      const { shown: path } = location;
      const copy = await this.#whole(path, sha256, hasLines);
      if (copy !== null) return { files: [copy], hidden: [] };
    }
    const storage = await Storage.open();
    try {
      const hidden: string[] = [];
      const wanted: Wanted[] = [];
      const isMeant = keyPattern(location.key);
      for await (const object of storage.list(location)) {
        const path = `s3://${bucket}/${object.key}`;
        const meaning = namesSeveral(location) ? isMeant(object.key) : 'meant';
        if (meaning === 'hidden') hidden.push(path);
        if (meaning !== 'meant') continue;
        const key = sha256 ?? keyOf(object, storage);
        wanted.push({ path, key, sha256, file: storage.file(object) });
      }
      const files = await sideBySide(wanted, SIDE_BY_SIDE, (each) => this.#file(each, hasLines));
      return { files, hidden };
    } finally {
      storage.close();
    }
  }

  async #file(wanted: Wanted, hasLines: (path: string) => boolean) {
    const { path, key } = wanted;
    const known = await this.#whole(path, key, hasLines);
    if (known !== null) return known;
    const copy = await this.#fetch(wanted);
    const survey = surveyFile({ path, copy: copy.path }, hasLines(path));
    if (survey.sha256 !== copy.sha256) {
      await this.#copies.remove(key);
      throw new RingmasterError('DATA_FILE_CHANGED', { path });
    }
    return { path, copy: copy.path, ...survey };
  }

  /** A file of which a copy is here, with the bytes that it had. */
  async #whole(path: string, key: string, hasLines: (path: string) => boolean) {
    const copy = await this.#copies.find(key);
    if (copy === null) return null;
    if (statSync(copy.path).size > 0) {
      const survey = surveyFile({ path, copy: copy.path }, hasLines(path));
      if (survey.sha256 === copy.sha256) return { path, copy: copy.path, ...survey };
    }
    await this.#copies.remove(key); // It was damaged since.
    return null;
  }

  #fetch({ path: location, key, sha256: expected, file }: Wanted): Promise<Copy> {
    if (!this.#isFetching) this.#progress?.phase('fetch');
    this.#isFetching = true;
    const options: DownloadOptions = {
      ...this.#timing,
      onExpected: (bytes) => this.#progress?.expect(bytes),
      onBytes: (bytes) => {
        this.#tell(bytes);
      },
    };
    return this.#copies.make(key, async (path): Promise<BlobInfo> => {
      let found = await download(file, path, options);
      const isOther = () => expected !== null && found.sha256 !== expected;
      if (isOther() && found.isJoined) {
        // Its parts may be of two versions.
        await rm(path);
        found = await download(file, path, options);
      }
      if (!isOther()) return found;
      await rm(path);
      const detail = {
        location,
        expected: expected ?? '',
        found: found.sha256,
        bytes: found.bytes,
      };
      throw new RingmasterError('DATA_HASH_DIFFERS', detail);
    });
  }

  #tell(bytes: number): void {
    this.#untold += bytes;
    if (this.#untold < TELL_EVERY) return;
    this.#progress?.advance(0, this.#untold);
    this.#untold = 0;
  }
}

/** What a version of an object is known by. */
function keyOf({ bucket, key, tag, bytes }: StoredObject, { endpoint }: Storage): string {
  const version = tag === '' ? randomUUID() : tag;
  return hashOf(canonicalJson([endpoint, bucket, key, version, bytes]));
}
