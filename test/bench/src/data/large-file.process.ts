// node test/bench/dist/data/large-file.process.js: reads a packed file of 2.2 GB unpacked, beyond the offsets that 31 bits hold.
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { openFiles } from '@ringmaster/data';

const LINES = 2_200;
const LINE_BYTES = 1_000_000;

const directory = mkdtempSync(join(tmpdir(), 'rm-large-'));
try {
  const path = join(directory, 'large.txt.gz');
  function* lines() {
    const filling = 'word '.repeat(LINE_BYTES / 5);
    for (let line = 0; line < LINES; line++) yield `${line} ${filling.slice(0, LINE_BYTES - 8)}\n`;
  }
  await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(path));
  let next = 0;
  for await (const { columns, line } of await openFiles([path], { format: 'lines' })) {
    const { text = '' } = columns;
    if (line !== next + 1 || !text.startsWith(`${next} word`))
      throw new Error(
        `line ${next + 1} is not what was written: line ${line}, ${text.slice(0, 40)}`,
      );
    next++;
  }
  if (next !== LINES) throw new Error(`${next} of ${LINES} lines were read`);
  const megabytes = Math.round(process.memoryUsage().rss / 1e6);
  console.log(`${next} lines, ${(LINES * LINE_BYTES) / 1e9} GB, ${megabytes} MB at the end`);
} finally {
  rmSync(directory, { recursive: true });
}
