import { RingmasterError, type DataSection, type DataSplit } from '@ringmaster/protocol';
import type { Source } from '../document.js';
import { openSpamAssassin } from '../readers/spam-assassin.js';
import type { Roots } from '../readers/roots.js';
import { openFiles } from '../readers/source.js';
import type { SplitFractions } from '../splits.js';
import type { TokenizerRequest } from '../tokenizers/train.js';

/** What to prepare: the `data` section of a job file, and a tokenizer to train or a `tokenizer.json` to use. */
export type PrepareRequest = {
  readonly data: DataSection;
  /** Whether the task predicts the labels, so that every document needs one; false where it is left out. */
  readonly labelled?: boolean;
} & ({ readonly tokenizer: TokenizerRequest } | { readonly tokenizerFile: string });

/** The sources of a request. Those of validation and test are there when the split is given as files. */
export interface Sources {
  /** What is divided by the fractions; all of it trains where those are zero. */
  readonly main: Source;
  readonly validation: Source | null;
  readonly test: Source | null;
  readonly fractions: SplitFractions;
}

/** @throws JOB_FILE_INVALID when the fractions leave nothing to train on; what the readers throw. */
export async function openSources(data: DataSection, roots: Roots): Promise<Sources> {
  const fraction = (split: DataSection['test']) => (typeof split === 'number' ? split : 0);
  const fractions = { validation: fraction(data.validation), test: fraction(data.test) };
  if (fractions.validation + fractions.test >= 1)
    throw new RingmasterError('JOB_FILE_INVALID', {
      key: 'data.validation',
      reason: 'together with data.test it leaves nothing to train on',
    });
  const openSplit = async (split: DataSection['test']) =>
    typeof split === 'number' || split === undefined ? null : openFiles(asList(split), data, roots);
  return {
    main:
      data.files === undefined
        ? await openSpamAssassin()
        : await openFiles(asList(data.files), data, roots),
    validation: await openSplit(data.validation),
    test: await openSplit(data.test),
    fractions,
  };
}

function asList(patterns: string | readonly string[]): readonly string[] {
  return typeof patterns === 'string' ? [patterns] : patterns;
}

/** Where a document comes from, before fractions are applied. */
export type Origin = DataSplit | 'main';
