import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { openPromise, type Entry } from 'yauzl';

import type { Manifest } from './manifest.js';
import type { Report } from './progress.js';
import { memberKind } from './wheels.js';

/** Unpacks what we need of a wheel into `folder`, under the paths it has there; returns size and hash of libraries. */
export async function unpackWheel(
  wheelPath: string,
  folder: string,
  report: Report,
  signal?: AbortSignal,
): Promise<Manifest['files']> {
  const phase = `unpacking ${basename(wheelPath)}`;
  const zip = await openPromise(wheelPath, { autoClose: false });
  try {
    const wanted: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/') && memberKind(entry.fileName) !== 'unused')
        wanted.push(entry);
    }
    const total = wanted.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const files: Manifest['files'] = {};
    for (const entry of wanted) {
      const path = join(folder, entry.fileName);
      await mkdir(dirname(path), { recursive: true });
      const hash = createHash('sha256');
      const meter = new Transform({
        transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback) {
          hash.update(chunk);
          done += chunk.length;
          report({ phase, done, total });
          callback(null, chunk);
        },
      });
      const options = signal === undefined ? {} : { signal };
      await pipeline(
        await zip.openReadStreamPromise(entry),
        meter,
        createWriteStream(path, { mode: fileMode(entry) }),
        options,
      );
      if (memberKind(entry.fileName) === 'library') {
        files[entry.fileName] = { bytes: entry.uncompressedSize, sha256: hash.digest('hex') };
      }
    }
    return files;
  } finally {
    zip.close();
  }
}

/** The Unix permissions of a member (CUDA's assembler must stay executable). */
function fileMode(entry: Entry): number {
  const mode = (entry.externalFileAttributes >>> 16) & 0o777;
  return mode === 0 ? 0o644 : mode;
}
