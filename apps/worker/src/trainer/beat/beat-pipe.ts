/** The pipe over which a trainer's process gives its sign of life to its agent. */
export const beatPipe = {
  /** Place of the pipe among the trainer's file descriptors: after stdin, stdout, stderr and the channel. */
  fd: 4,
  /** Variable of the trainer's environment that tells that the pipe is there. */
  variable: 'RINGMASTER_BEAT_FD',
} as const;
