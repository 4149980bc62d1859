import type { RunCommand } from './commands.js';
import type { Trainer } from './run.js';

/** Something that went wrong in a transition; the incident is written once it is known what comes of it. */
export interface Happening {
  readonly trainer: Trainer;
  readonly step: number;
  /** What befell the trainer, to follow its name: "exited with code 1". */
  readonly what: string;
  readonly lastLines: readonly string[];
}

/** What one transition gathers on its way. */
export interface Turn {
  readonly now: number;
  readonly commands: RunCommand[];
  readonly happenings: Happening[];
}
