/**
 * The pipe between a trainer's process and its agent for what has to get through while the trainer's main thread
 * computes: signs of life one way, and the other way the generations that end what is in hand, a line each: the number of
 * the process's run, a space, and that of the generation.
 */
export const beatPipe = {
  /** Place of the pipe among the trainer's file descriptors: after stdin, stdout, stderr and the channel. */
  fd: 4,
  /** Variable of the trainer's environment that tells that the pipe is there. */
  variable: 'RINGMASTER_BEAT_FD',
} as const;
