import { splitNames } from '../splits.js';
import type { CountAnswer } from '../tasks/count.js';
import { AskedThread } from '../threads/asked-thread.js';
import type { Corpus } from './corpus.js';
import { Learner } from './learner.js';
import type { LearnerData, LearnerRequest } from './learner.thread.js';
import type { PrepareRequest } from './request.js';
import { isLarge } from './chunks.js';
import type { Workplace } from './workplace.js';

/** Trains a tokenizer on the train split. @returns its `tokenizer.json` */
export async function trainVocabulary(
  request: PrepareRequest,
  { parts }: Corpus,
  { progress, tasks, directory }: Workplace,
): Promise<string> {
  if (!('tokenizer' in request)) throw new Error('there is neither a tokenizer nor its file');
  const { tokenizer } = request;
  const train = splitNames.indexOf('train');
  const requests = parts.map(({ part, splits }) => ({
    part: part.file,
    isWanted: splits.map((split) => (split === train ? 1 : 0)),
    tokenizer,
  }));
  progress.phase('tokenizer', {
    documents: requests.reduce((sum, { isWanted }) => sum + total(isWanted), 0),
    bytes: parts.reduce((sum, { part }) => sum + part.textBytes, 0),
  });
  const count = async (add: (answer: CountAnswer) => unknown) => {
    let number = 0;
    for await (const answer of tasks.answers('count', requests)) {
      await add(answer);
      progress.advance(answer.documents, parts[number++]?.part.textBytes ?? 0);
    }
  };
  if (!isLarge(parts)) {
    const learner = new Learner(directory);
    await count((answer) => {
      learner.add(answer);
    });
    return learner.learn(tokenizer);
  }
  const thread = startLearner({ directory });
  try {
    await count((add) => thread.ask({ add }));
    await tasks.rest();
    return await thread.ask({ learn: tokenizer });
  } finally {
    await thread.end();
  }
}

function startLearner(workerData: LearnerData): AskedThread<LearnerRequest, string> {
  const program = new URL('./learner.thread.js', import.meta.url);
  return new AskedThread(program, { name: 'learner', workerData });
}

const total = (bits: Uint8Array): number => bits.reduce((sum, bit) => sum + bit, 0);
