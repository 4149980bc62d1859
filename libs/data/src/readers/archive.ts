import { pipeline, Readable } from 'node:stream';
import { RingmasterError } from '@ringmaster/protocol';
import { extract, type Header } from 'tar-stream';
import type { Bytes } from '../text/encoding.js';
import { unpacked, unreadable } from './unpack.js';

/** A file in an archive. Its content is to be read, or left, before the next entry is asked for. */
interface ArchiveEntry {
  /** Path in the archive. */
  readonly name: string;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The files of a tar archive, one after another as they lie there; folders, links and hidden files are left out.
 * @param content Unpacked.
 * @throws DATA_FILE_UNREADABLE
 */
export async function* archiveEntries(path: string, content: Bytes): AsyncGenerator<ArchiveEntry> {
  // Whoever fails ends the others; what the archive was read from says why.
  let failure: unknown = null;
  const faultOf = (cause: unknown): Error => {
    for (const known of [failure, cause]) if (known instanceof RingmasterError) return known;
    return unreadable(path, cause);
  };
  const entries = extract();
  const source = Readable.from(noting(content, (error) => (failure = error)));
  pipeline(source, entries, () => undefined);
  try {
    for await (const entry of entries) {
      const { name, type } = entry.header;
      if (isFile(type) && !isHidden(name))
        yield { name, content: unpacked(`${path}/${name}`, failing(entry as Bytes, faultOf)) };
      entry.resume();
    }
  } catch (cause) {
    throw faultOf(cause);
  }
}

async function* failing(
  bytes: Bytes,
  faultOf: (cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    throw faultOf(cause);
  }
}

async function* noting(bytes: Bytes, note: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    note(error);
    throw error;
  }
}

const isFile = (type: Header['type']): boolean => type === 'file' || type === 'contiguous-file';

const isHidden = (name: string): boolean =>
  name.split('/').some((part) => part.startsWith('.') && part !== '.' && part !== '..');
