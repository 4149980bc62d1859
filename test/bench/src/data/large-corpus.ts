import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { randomKey, RandomStream } from '@ringmaster/base';
import { parseJobSpec, type JobSpec } from '@ringmaster/protocol';
import { spelling } from './corpus.js';

/** How a corpus lies on disk: a document a line, the same packed, or a file each. */
export type CorpusKind = 'jsonl' | 'gz' | 'files';

/** Where a corpus lies in its directory. */
const PATTERNS: Readonly<Record<CorpusKind, string>> = {
  jsonl: 'corpus.jsonl',
  gz: 'corpus.jsonl.gz',
  files: join('*', '*.txt'),
};

/** Words of a document, about 1.7 KB. */
const LONG = 280;
/** Words of a document that is a file, about 250 bytes. */
const SHORT = 40;
const COMMON_WORDS = 30_000;
/** Of each so many words one occurs nowhere else. */
const NEW_WORD = 333;
/** Of each so many documents one repeats, or nearly repeats, one before it. */
const REPEATED = 100;
const NEARLY_REPEATED = 40;
/** Words of `uniform` that one document may draw. */
const DRAWS = 1024;

/** Documents of invented words, by their number: words fall in frequency as 1 / rank (Zipf). */
class LargeCorpus {
  readonly #stream = new RandomStream(randomKey(0, 'large corpus'));
  readonly #words = Array.from({ length: COMMON_WORDS }, (_, word) => spelling(word));
  readonly #length: number;

  constructor(kind: CorpusKind) {
    this.#length = kind === 'files' ? SHORT : LONG;
  }

  text(document: number): string {
    if (document > 0 && document % REPEATED === 0) return this.#own(document - 1);
    if (document > 0 && document % NEARLY_REPEATED === 0)
      return `${this.#own(document - 1)} ${spelling(document)}`;
    return this.#own(document);
  }

  #own(document: number): string {
    let draw = document * DRAWS;
    const next = () => this.#stream.uniform(draw++);
    const length = Math.floor(this.#length * (0.5 + next()));
    const words = Array.from({ length }, () => {
      const rank = Math.floor(COMMON_WORDS ** next()) - 1;
      if (draw % NEW_WORD === 0) return spelling(COMMON_WORDS + draw);
      return this.#words[rank] ?? '';
    });
    return words.join(' ');
  }
}

/** Writes a corpus of about so many bytes of JSON lines, or of text in files, into a directory. @returns A pattern for its files. */
export async function writeLargeCorpus(
  directory: string,
  kind: CorpusKind,
  bytes: number,
): Promise<string> {
  const corpus = new LargeCorpus(kind);
  mkdirSync(directory, { recursive: true });
  if (kind === 'files') {
    for (let written = 0, document = 0; written < bytes; document++) {
      const folder = join(directory, String(Math.floor(document / 1000)));
      if (document % 1000 === 0) mkdirSync(folder, { recursive: true });
      const text = corpus.text(document);
      writeFileSync(join(folder, `${document}.txt`), text);
      written += text.length;
    }
    return join(directory, PATTERNS.files);
  }
  function* blocks(): Generator<string> {
    let written = 0;
    for (let document = 0; written < bytes;) {
      let block = '';
      for (; block.length < 262_144; document++)
        block += `${JSON.stringify({ text: corpus.text(document) })}\n`;
      written += block.length;
      yield block;
    }
  }
  const path = join(directory, PATTERNS[kind]);
  const source = Readable.from(blocks());
  if (kind === 'gz') await pipeline(source, createGzip({ level: 1 }), createWriteStream(path));
  else await pipeline(source, createWriteStream(path));
  return path;
}

/** A job that trains a small GPT on such a corpus, and never evaluates it within the steps that are looked at. */
export function largeCorpusJob(directory: string, kind: CorpusKind): JobSpec {
  return parseJobSpec({
    kind: 'pretrain',
    name: 'large-corpus',
    model: { architecture: 'gpt', layers: 1, hidden: 64, heads: 2, context: 128 },
    tokenizer: { algorithm: 'bpe', vocabulary: 8192 },
    data: { files: join(directory, PATTERNS[kind]), format: kind === 'files' ? 'text' : 'jsonl' },
    objective: 'causal-language-model',
    batch: { sequences: 8, microbatches: 2 },
    optimizer: { learningRate: 1e-3 },
    evaluation: { every: 1_000_000, fraction: 0.01 },
    checkpoint: { every: 1_000_000 },
    workers: { min: 1, max: 1, threads: 1 },
    steps: 1_000_000,
  });
}
