import { entry } from './define.js';

/** Errors of a server that generates texts. */
export const servingErrors = {
  SERVE_TOKEN_MISSING: entry<{ host: string }>({
    status: 500,
    exit: 2,
    message: ({ host }) =>
      `Serving at ${host}, which other machines may reach, is refused without a token`,
    remedy: 'Write one into a file and give that with --token-file, or listen on 127.0.0.1.',
  }),
  SERVE_TOKEN_UNUSABLE: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 2,
    message: ({ path, reason }) => `The token in ${path} cannot be used: ${reason}`,
    remedy: 'Make one with: openssl rand -hex 24 > FILE',
  }),
  PROMPT_TOO_LONG: entry<{ most: number }>({
    status: 400,
    exit: 2,
    message: ({ most }) => `The prompt has more tokens than the ${most} that the model reads`,
    remedy: 'Shorten it, or leave out the beginning of the conversation.',
  }),
  SERVER_BUSY: entry<{ waiting: number }>({
    status: 429,
    exit: 1,
    message: ({ waiting }) => `${waiting} requests wait already, which is the most that may`,
    remedy: 'Try again later; the server is started with another bound by --queue.',
  }),
  SERVER_STOPPING: entry<object>({
    status: 503,
    exit: 1,
    message: () => 'The server is about to end: it finishes what it has begun and takes no more',
    remedy: 'Try again once it runs anew.',
  }),
} as const;
