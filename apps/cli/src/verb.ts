import type { Command } from 'commander';

export interface HomeOption {
  readonly home?: string;
}

export interface JsonOption extends HomeOption {
  readonly json?: true;
}

/** A verb; each takes `--home`. */
export function verb(parent: Command, usage: string, summary: string): Command {
  return parent
    .command(usage)
    .summary(summary)
    .description(`${summary}.`)
    .option('--home <dir>', 'directory of the cluster (default: RINGMASTER_HOME or ~/.ringmaster)');
}

/** A verb that reads; each takes `--json`. */
export function readingVerb(parent: Command, usage: string, summary: string): Command {
  return verb(parent, usage, summary).option('--json', 'print JSON');
}
