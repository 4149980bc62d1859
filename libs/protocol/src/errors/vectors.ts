import { entry } from './define.js';

/** Errors of files of word vectors. */
export const vectorErrors = {
  VECTORS_FILE_UNREADABLE: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ path, reason }) => `${path} cannot be read as word vectors: ${reason}`,
    remedy:
      'Give a file of word2vec, text or binary, or of GloVe, unpacked; or a model by its name, id or directory.',
  }),
  VECTORS_FILE_INVALID: entry<{ path: string; place: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ path, place, reason }) => `${path} ${place}: ${reason}`,
    remedy:
      'Correct that place, or write or fetch the file again: a line of text is a word and its numbers, separated by single spaces; a binary file has as many words as its first line says, each with as many numbers.',
  }),
  VECTORS_WORD_UNKNOWN: entry<{
    name: string;
    words: readonly string[];
    similar: readonly string[];
  }>({
    status: 404,
    exit: 4,
    message: ({ name, words, similar }) =>
      `${name} has no vector for ${words.map((word) => `'${word}'`).join(', ')}${similar.length === 0 ? '' : `; it has ${similar.map((word) => `'${word}'`).join(', ')}`}`,
    remedy:
      'Give words as they are written there: case counts, and a model has vectors for its tokens alone.',
  }),
  VECTORS_WORD_UNWRITABLE: entry<{ word: string; form: string; reason: string }>({
    status: 400,
    exit: 2,
    message: ({ word, form, reason }) =>
      `The word ${JSON.stringify(word)} cannot be written as ${form}: ${reason}`,
    remedy: 'Write GloVe, whose words may hold spaces, or take the word out.',
  }),
  VECTORS_FILE_EXISTS: entry<{ path: string }>({
    status: 409,
    exit: 2,
    message: ({ path }) => `${path} exists already`,
    remedy: 'Give another path, or remove the file.',
  }),
} as const;
