// node libs/data/reference/encoders.js [COUNT]
//
// Compares our encoders with Hugging Face tokenizers: on all mails of spam-assassin, and on COUNT random Unicode strings
// (100,000), of which both make the same normal form where it is NFKC. Says how many tokens there are, and fails where a text is encoded otherwise.
import fc from 'fast-check';
import { nfkcNormalizer, Tokenizer } from 'tokenizers';
import { openSpamAssassin } from '../dist/readers/spam-assassin.js';
import { loadTokenizer } from '../dist/tokenizers/load.js';
import { trainTokenizer } from '../dist/tokenizers/train.js';

const BATCH = 1000;
const count = Number(process.argv[2] ?? 100_000);

const mails = [];
for await (const { columns } of await openSpamAssassin()) mails.push(columns.text ?? '');
// Its tables of normal forms are of a version of Unicode that is years older.
const theirs = nfkcNormalizer();
const isNewer = (text) => theirs.normalizeString(text) !== text.normalize('NFKC');
const random = fc.sample(
  fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !isNewer(text)),
  { numRuns: count, seed: 1 },
);

// Those that WordPiece is given are not chosen: its normal form is made as theirs is.
const any = fc.sample(fc.string({ unit: 'binary', maxLength: 40 }), { numRuns: count, seed: 1 });

for (const request of [
  { algorithm: 'wordpiece', vocabulary: 8192, lowercase: true },
  { algorithm: 'wordpiece', vocabulary: 8192, lowercase: false },
  { algorithm: 'bpe', vocabulary: 8192, lowercase: false },
  { algorithm: 'unigram', vocabulary: 8192, lowercase: false },
  { algorithm: 'unigram', vocabulary: 8192, lowercase: false, byteFallback: true },
  { algorithm: 'sentencepiece-bpe', vocabulary: 8192, lowercase: false },
]) {
  const json = trainTokenizer(
    mails.filter((_, at) => at % 4 === 0),
    request,
  );
  const ours = loadTokenizer(json);
  const native = Tokenizer.fromString(json);
  for (const [name, texts] of Object.entries({
    mails,
    random: request.algorithm === 'wordpiece' ? any : random,
  })) {
    let tokens = 0;
    for (let start = 0; start < texts.length; start += BATCH) {
      const batch = texts.slice(start, start + BATCH);
      const encodings = await native.encodeBatch(batch, { addSpecialTokens: false });
      for (const [at, encoding] of encodings.entries()) {
        const ids = ours.encode(batch[at] ?? '');
        tokens += ids.length;
        if (ids.join() === encoding.getIds().join()) continue;
        throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(batch[at])}`);
      }
    }
    console.log(JSON.stringify(request), name, texts.length, 'texts', tokens, 'tokens: equal');
  }
}
