import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { clusterOptions, jsonOption, subverb, type JsonOption } from '../verb.js';

interface NearestOptions extends JsonOption {
  readonly top: number;
}

interface ConvertOptions extends JsonOption {
  readonly to: string;
}

const MOST = 1_000_000;

export function define(vectors: Command): void {
  vectors.description(
    'Ask word vectors for neighbours and analogies, or write them in another form.',
  );
  const nearest = (usage: string, summary: string) =>
    jsonOption(clusterOptions(subverb(vectors, usage, summary)))
      .option('--top <k>', 'how many words', wholeNumber(1, MOST), 10)
      .addHelpText('after', WHAT);
  nearest(
    'neighbours <vectors> <words...>',
    'Print the words most similar to each of these, by the cosine of their vectors',
  ).action(async (from: string, words: readonly string[], { top, ...options }: NearestOptions) => {
    await ask(from, options, { ask: 'neighbours', words, top });
  });
  nearest(
    'analogy <vectors> <a> <b> <c>',
    'Print what is to c as b is to a: the words nearest to b - a + c',
  ).action(
    async (from: string, a: string, b: string, c: string, { top, ...options }: NearestOptions) => {
      await ask(from, options, { ask: 'analogy', words: [a, b, c], top });
    },
  );
  jsonOption(
    clusterOptions(subverb(vectors, 'convert <vectors> <file>', 'Write them into a new file')),
  )
    .addOption(
      new Option('--to <form>', 'form of the file')
        .choices(['word2vec', 'word2vec-binary', 'glove'])
        .makeOptionMandatory(),
    )
    .addHelpText('after', WHAT)
    .action(async (from: string, path: string, { to, ...options }: ConvertOptions) => {
      await ask(from, options, { ask: 'convert', path, form: to });
    });
}

const WHAT = `
VECTORS is a file of word2vec, text or binary, or of GloVe; or the name or id of a model, or a directory in the layout of
Hugging Face, whose token embeddings are then looked at.`;

async function ask(vectors: string, options: JsonOption, request: object): Promise<void> {
  // Loaded here: it brings what runs models.
  const { askVectors } = await import('../vectors.js');
  await askVectors(vectors, options, request);
}
