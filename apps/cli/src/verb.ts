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

/** Gives a verb what names a coordinator, which may be on another machine: `--home`, or its address and what it asks for. */
export function clusterOptions(verb: Command): Command {
  const url = new Option(
    '--coordinator, --url <url>',
    'address of a coordinator whose home is elsewhere, or a join string',
  );
  return homeOption(verb)
    .addOption(url.conflicts('home'))
    .option('--token <token>', 'token that it asks for (default: RINGMASTER_TOKEN)')
    .option(
      '--fingerprint <sha256>',
      'SHA-256 of its certificate, where no authority vouches for it',
    );
}

/** Declares one verb of a verb that has several, such as `show` of `model`. */
export function subverb(parent: Command, usage: string, summary: string): Command {
  return parent.command(usage).summary(summary).description(`${summary}.`);
}
