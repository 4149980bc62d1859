export { leavesOut } from './readers/files.js';
export { openFiles } from './readers/source.js';
export { requireWithin, type Roots } from './readers/roots.js';
export { openSpamAssassin } from './readers/spam-assassin.js';
export { textLines } from './text/lines.js';
export { cleanText, MARKUP, PLAIN } from './clean/clean.js';
export { encodeConversation } from './chat/encode.js';
export { LEARNED_AT } from './chat/clock.js';
export { ChatTemplate, type ChatFormat, type ChatTemplateFile } from './chat/template.js';
export { loadTokenizer } from './tokenizers/load.js';
export { convertSentencePiece, type SentencePieceUse } from './tokenizers/sentencepiece/convert.js';
export { convertMarian, marianFiles, marianFileNames } from './tokenizers/marian/file.js';
export { surround, templateOf, type Surroundings } from './tokenizers/post-processor.js';
export type { SpecialTokens, Tokenizer } from './tokenizers/tokenizer.js';
export { encodeWords, wordsIn } from './tokenizers/words.js';
export { trainTokenizer } from './tokenizers/train.js';
export { BlobStore, hashFile, type BlobInfo } from './blobs/blob-store.js';
export { claimedSince, makeClaim } from './blobs/claim.js';
export { takeBlob } from './blobs/take.js';
export { isAbandoned, temporaryName } from './blobs/temporary-name.js';
export { prepareData } from './prepare/prepare.js';
export { findPrepared, type Remembered } from './prepare/prepared-index.js';
export { languageDetector } from './clean/filters/language.js';
export { lengthsOf, type Lengths } from './inspect/lengths.js';
export { surveyTexts, type TextSurvey } from './inspect/texts.js';
export { removeOldCopies } from './remote/copies.js';
export { removeOldTasks, removeUnclaimedTasks, taskDirectory } from './prepare/task-directory.js';
export type { ForeignAnswer, Lease, Leases, TaskPlace } from './tasks/leases.js';
export { borrowTask, lendTask, taskPlatform, type LentTask } from './tasks/lent-task.js';
export { Allowance, keepPart, receiveFile } from './tasks/received.js';
export { directoriesWithAnswersOf, removeAnswersOf } from './tasks/task-files.js';
export { TaskThreads } from './tasks/task-threads.js';
export type { Task } from './tasks/tasks.js';
export { checkSources, type PrepareRequest } from './prepare/request.js';
export {
  openDataset,
  parseDataManifest,
  type Dataset,
  type SplitReader,
} from './batches/dataset.js';
export {
  ledgerDigest,
  ledgerOf,
  microbatchSamples,
  stepsPerEpoch,
  type OrderSpec,
} from './batches/ledger.js';
