import { Option, type Command } from 'commander';
import type { ClusterOption } from './location.js';

export interface HomeOption {
  readonly home?: string;
}

export interface JsonOption extends ClusterOption {
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

/** A verb that asks a coordinator, which may be on another machine. */
export function clusterVerb(parent: Command, usage: string, summary: string): Command {
  const option = new Option(
    '--coordinator <url>',
    'address of a coordinator whose home is elsewhere; its token is in RINGMASTER_TOKEN',
  );
  return verb(parent, usage, summary).addOption(option.conflicts('home'));
}

/** A verb that reads; each takes `--json`. */
export function readingVerb(parent: Command, usage: string, summary: string): Command {
  return clusterVerb(parent, usage, summary).option('--json', 'print JSON');
}

/** A verb that reads what is on this machine. */
export function localReadingVerb(parent: Command, usage: string, summary: string): Command {
  return verb(parent, usage, summary).option('--json', 'print JSON');
}
