import type { TrainerCommand } from '@ringmaster/protocol';
import type { RunCommand } from './commands.js';
import type { Run, Trainer } from './run.js';

/** Something that went wrong in a transition; the incident is written once it is known what comes of it. */
export interface Happening {
  readonly trainer: Trainer;
  /** The run as it was when that happened. */
  readonly run: Run;
  readonly step: number;
  /** What befell the trainer, to follow its name: "exited with code 1". */
  readonly what: string;
  readonly lastLines: readonly string[];
  /** What else is to be told, in sentences. */
  readonly remarks: readonly string[];
  /** If it broke the ring: the last sign of life of what failed, and when the failure was known. */
  readonly broke: { readonly heard: number; readonly known: number } | null;
}

/** What one transition gathers on its way. */
export interface Turn {
  readonly now: number;
  /** Whether nothing happened but that time has passed, which is when what can wait is looked at. */
  readonly idle: boolean;
  readonly commands: RunCommand[];
  readonly happenings: Happening[];
}

export function send(turn: Turn, trainer: string, command: TrainerCommand): void {
  turn.commands.push({ type: 'send', trainer, command });
}
