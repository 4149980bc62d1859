import { Option, type Command } from 'commander';
import type { ClusterOption } from './location.js';

export interface HomeOption {
  readonly home?: string;
}

export interface JsonOption extends ClusterOption {
  readonly json?: true;
}

/** Gives a verb `--home`. */
export function homeOption(verb: Command): Command {
  return verb.option(
    '--home <dir>',
    'directory of the cluster (default: RINGMASTER_HOME or ~/.ringmaster)',
  );
}

/** Gives a verb `--json`. */
export function jsonOption(verb: Command): Command {
  return verb.option('--json', 'print JSON');
}

/** Gives a verb what names a coordinator, which may be on another machine: `--home` or `--coordinator`. */
export function clusterOptions(verb: Command): Command {
  const option = new Option(
    '--coordinator <url>',
    'address of a coordinator whose home is elsewhere; its token is in RINGMASTER_TOKEN',
  );
  return homeOption(verb).addOption(option.conflicts('home'));
}

/** Declares one verb of a verb that has several, such as `show` of `model`. */
export function subverb(parent: Command, usage: string, summary: string): Command {
  return parent.command(usage).summary(summary).description(`${summary}.`);
}
