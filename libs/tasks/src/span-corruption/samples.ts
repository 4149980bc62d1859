import { RandomStream, type RandomKey } from '@ringmaster/base';
import type { SplitReader } from '@ringmaster/data';
import { corruptedLength, mostSpans, spanCounts, type DataManifest } from '@ringmaster/protocol';
import { teacherForced } from '../sequence-to-sequence/teacher-forcing.js';
import type { SampleSet } from '../task.js';

/** Samples of a split with this many tokens: chunks of which each fills a source. */
export function corruptedSamples({ tokens }: { readonly tokens: number }, context: number): number {
  return Math.ceil(tokens / corruptedLength(context));
}

/**
 * Samples for span corruption: the documents of a split joined and cut into chunks whose sources have the context's length,
 * all but the last. Which spans are taken out depends on the key, and so on the epoch.
 */
export function corruptedSampleSet(
  split: SplitReader,
  { pad, separate, endOfText, sentinels = [] }: DataManifest['tokenizer'],
  context: number,
): SampleSet {
  const end = separate ?? endOfText;
  if (pad === null || end === null || sentinels.length < mostSpans(context))
    throw new TypeError(
      'span corruption needs a tokenizer that pads, ends texts and has sentinels',
    );
  const chunk = corruptedLength(context);
  const options = { start: pad, pad, context };
  return {
    count: corruptedSamples(split, context),
    collate(samples, keys) {
      const corrupted = samples.map((sample) => {
        const start = sample * chunk;
        const text = new Int32Array(Math.min(chunk, split.tokens - start));
        split.copyStream(start, start + text.length, null, text, 0);
        return corruptSpans(text, sentinels, keys(sample));
      });
      const ended = (tokens: readonly number[]) => [...tokens, end];
      return teacherForced(
        corrupted.map(({ source }) => ended(source)),
        corrupted.map(({ target }) => ended(target)),
        options,
      );
    },
  };
}

/**
 * Takes spans out of a text: stretches that stay and stretches that go alternate, the first of them stays and the last goes,
 * and each way to cut them is as likely as any other (`random_spans_noise_mask` in T5's published code).
 * @param sentinels One for each span at least.
 * @returns the text with a sentinel in place of each span; and the spans, each behind its sentinel
 */
export function corruptSpans(
  text: Int32Array,
  sentinels: readonly number[],
  key: RandomKey,
): { readonly source: number[]; readonly target: number[] } {
  // A text of one token keeps it: nothing is left to take out.
  const length = Math.max(2, text.length);
  const { noise, spans } = spanCounts(length);
  const stream = new RandomStream(key);
  const gone = randomParts(noise, spans, (draw, bound) => stream.integer(draw, bound));
  const kept = randomParts(length - noise, spans, (draw, bound) =>
    stream.integer(spans + draw, bound),
  );
  const source: number[] = [];
  const target: number[] = [];
  let at = 0;
  for (const [span, stays] of kept.entries()) {
    source.push(...text.subarray(at, at + stays));
    at += stays;
    const taken = text.subarray(at, at + (gone[span] ?? 0));
    at += taken.length;
    const sentinel = sentinels[span];
    if (taken.length === 0 || sentinel === undefined) continue;
    source.push(sentinel);
    target.push(sentinel, ...taken);
  }
  return { source, target };
}

/**
 * Lengths of the parts that items are cut into, none of them empty: the cuts are a random subset of the places between items
 * (Floyd's algorithm in Bentley and Floyd, "A sample of brilliance", 1987).
 * @param integer Draw by its number, of which each cut has one: below the bound.
 */
function randomParts(
  items: number,
  parts: number,
  integer: (draw: number, bound: number) => number,
): number[] {
  const cuts = new Set<number>();
  for (let draw = 0; draw < parts - 1; draw++) {
    const last = items - parts + 1 + draw;
    const drawn = 1 + integer(draw, last);
    cuts.add(cuts.has(drawn) ? last : drawn);
  }
  const ends = [...[...cuts].sort((a, b) => a - b), items];
  return ends.map((end, part) => end - (ends[part - 1] ?? 0));
}
