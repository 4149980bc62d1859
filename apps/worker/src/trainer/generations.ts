export type { Command, Message } from './membership/types.js';
export type { Checkpoints, RingSession, SessionOptions, TrainedRun } from './ports.js';
export { CheckpointTurns } from './checkpoint/turns.js';
export { GenerationEnded } from './session/generation-ended.js';
export { Trainer } from './trainer.js';
