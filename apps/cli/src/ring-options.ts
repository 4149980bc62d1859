import { isIP } from 'node:net';
import { parsePortRange } from '@ringmaster/protocol';
import { type Command, InvalidArgumentError } from 'commander';

/** Where the rings of workers listen, as verbs that start workers are told. */
export interface RingOptions {
  readonly address?: string;
  readonly ringPorts?: string;
}

/** Adds the options of `RingOptions` to a verb that starts workers. */
export function ringOptions(verb: Command): Command {
  return verb
    .option(
      '--address <ip>',
      'address of this host at which others reach its workers (default: the one from which it reaches the coordinator)',
      (text) => {
        if (isIP(text) !== 0) return text;
        throw new InvalidArgumentError('It is an IP address.');
      },
    )
    .option(
      '--ring-ports <a-b>',
      'ports at which its workers listen for others, four for each of their slots (default: any)',
      (text) => {
        if (parsePortRange(text) !== null) return text;
        throw new InvalidArgumentError('It is a range such as 30000-30099.');
      },
    );
}

/** Options of rings as arguments of the worker's program. */
export function ringArguments({ address, ringPorts }: RingOptions): string[] {
  return [
    ...(address === undefined ? [] : ['--address', address]),
    ...(ringPorts === undefined ? [] : ['--ring-ports', ringPorts]),
  ];
}
